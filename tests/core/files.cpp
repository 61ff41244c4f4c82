// Files that are whole or not there, their checksums, and HDF5 on top of them.

#include <filesystem>
#include <fstream>
#include <random>

#include <gtest/gtest.h>
#include <unistd.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>
#include <kronsolve/core/hdf5_file.hpp>

namespace kronsolve {
namespace {

namespace fs = std::filesystem;

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / detail::concat("kronsolve_files_", ::getpid());
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  index_t count() const { return std::distance(fs::directory_iterator(folder_), {}); }
  static void put(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  fs::path folder_;
};

TEST_F(Files, is_there_when_it_is_closed) {
  put(path("a"), "old");
  OutputFile file(path("a"));
  file.append("new ");
  file.append("text");
  file.write(0, std::string("NEW"));
  OutputFile moved = std::move(file);

  EXPECT_EQ(read_text_file(path("a")), "old");
  EXPECT_EQ(count(), 2);
  moved.close();
  EXPECT_EQ(read_text_file(path("a")), "NEW text");
  EXPECT_EQ(count(), 1);
}

TEST_F(Files, leaves_nothing_where_it_was_not_closed) {
  put(path("a"), "old");
  fs::permissions(path("a"), fs::perms::owner_read | fs::perms::owner_write);
  { OutputFile(path("a")).append("new"); }
  { OutputFile(path("b")).append("new"); }
  EXPECT_EQ(read_text_file(path("a")), "old");
  EXPECT_EQ(count(), 1);

  OutputFile file(path("a"));
  file.close();
  EXPECT_EQ(fs::status(path("a")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Files, a_signal_removes_what_is_unfinished) {
  OutputFile one(path("a")), two(path("b"));
  EXPECT_EQ(count(), 2);
  remove_unfinished_files();
  EXPECT_EQ(count(), 0);
}

TEST_F(Files, refuses_what_is_no_file) {
  fs::create_directory(path("folder"));
  EXPECT_THROW(OutputFile(path("folder")), IoError);
  EXPECT_THROW(OutputFile(path("none/a")), IoError);
  EXPECT_THROW(OutputFile(path("")), IoError);
  EXPECT_THROW(OutputFile(path(std::string(300, 'x'))), IoError);
  EXPECT_EQ(count(), 1);
}

TEST(Checksum, does_not_depend_on_the_pieces_and_sees_each_change) {
  std::string bytes(1003, '\0');
  std::mt19937 random(1);
  for (char& byte : bytes) byte = static_cast<char>(random());
  const auto sum = [](const std::string& text, std::size_t piece) {
    Checksum checksum;
    for (std::size_t at = 0; at < text.size(); at += piece)
      checksum.add(std::string_view(text).substr(at, piece));
    return checksum.value();
  };
  const auto whole = sum(bytes, bytes.size());
  for (const std::size_t piece : {1U, 3U, 8U, 13U, 512U}) EXPECT_EQ(sum(bytes, piece), whole);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(sum(damaged, 64), whole) << bit;
  }
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_NE(sum(bytes.substr(0, length), 64), whole) << length;
  EXPECT_NE(sum(bytes + '\0', 64), whole);
}

TEST_F(Files, hdf5_reads_what_it_wrote) {
  using Complex = std::complex<double>;
  const std::vector<Complex> first = {{1, 2}, {3, 4}, {5, 6}}, second = {7, {0, 8}, 9};
  auto file = Hdf5File::create(path("a.h5"));
  file.write_text("word", "ü");
  file.write_text("long", std::string(1'000'000, 'x'));
  file.write_text("empty", "");
  file.write_dimension("time", std::vector<double>{0, 0.5});
  file.write_dimension("row", 3);
  file.write<double>("list", std::vector<double>{1, 2}, {"time"});
  file.create_vectors("pair", ScalarKind::complex, {"time", "row"});
  file.write_rows<Complex>("pair", 0, 0, first);
  file.write_rows<Complex>("pair", 1, 1, std::span(second).subspan(1));
  file.write_rows<Complex>("pair", 1, 0, std::span(second).first(1));
  file.write_dimension("site", 4);
  std::vector<double> cube(24);
  std::iota(cube.begin(), cube.end(), 1.0);
  file.write<double>("cube", cube, {"time", "row", "site"});
  file.close();

  const auto read = Hdf5File::open(path("a.h5"));
  EXPECT_EQ(read.text("word"), "ü");
  EXPECT_EQ(read.text("long").size(), 1'000'000U);
  EXPECT_EQ(read.text("empty"), "");
  EXPECT_EQ(read.vector("list").rows, 2);
  const auto pair = read.vector("pair");
  EXPECT_EQ(std::tuple(pair.scalar, pair.rows, pair.count), std::tuple(ScalarKind::complex, 3, 2));
  std::vector<Complex> back(2);
  read.read_rows<Complex>("pair", 1, 1, back);
  EXPECT_EQ(back, std::vector<Complex>(second.begin() + 1, second.end()));
  EXPECT_EQ(read.array("pair").shape, (std::vector<index_t>{2, 3}));
  EXPECT_EQ(read.array("list").shape, std::vector<index_t>{2});
  EXPECT_EQ(read.array("cube").shape, (std::vector<index_t>{2, 3, 4}));
  std::vector<double> again(24);
  read.read<double>("cube", again);
  EXPECT_EQ(again, cube);
  EXPECT_THROW(read.vector("cube"), InvalidArgument);
  EXPECT_THROW(read.read<double>("pair", again), InvalidArgument);
  EXPECT_THROW(read.read<double>("cube", std::span(again).first(23)), InvalidArgument);
  EXPECT_THROW(read.vector("none"), InvalidArgument);
  EXPECT_THROW(read.text("pair"), InvalidArgument);
}

TEST_F(Files, hdf5_refuses_every_damage) {
  auto file = Hdf5File::create(path("a.h5"));
  file.write_dimension("row", 3);
  file.write<double>("v", std::vector<double>{1, 2, 3}, {"row"});
  file.close();
  const auto whole = read_text_file(path("a.h5"));
  for (std::size_t at = 0; at < whole.size(); at += at < 512 ? 1 : 11) {
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    put(path("b.h5"), damaged);
    EXPECT_THROW(Hdf5File::open(path("b.h5")), InvalidArgument) << at;
    if (at % 7 != 0) continue;
    put(path("b.h5"), whole.substr(0, at));
    EXPECT_THROW(Hdf5File::open(path("b.h5")), InvalidArgument) << at;
  }
}

}  // namespace
}  // namespace kronsolve
