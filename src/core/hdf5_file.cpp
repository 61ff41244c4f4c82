#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>

#include "core/hdf5_module.hpp"
#include "core/modules.hpp"

namespace kronsolve {

namespace {

/// Loaded on first use: HDF5 brings some thirty libraries along, several MiB in every process.
const Hdf5Module& load_hdf5() {
  const auto path = module_folder() / "kronsolve_hdf5.so";
  const auto refuse = [&](const std::string& why) {
    throw NotSupported(detail::concat("HDF5: ", path.string(), " cannot be used: ", why,
                                      "; install all of kronsolve from one build"));
  };
  std::string problem;
  void* entry = open_module(path, "kronsolve_hdf5_module", problem);
  if (entry == nullptr) refuse(problem);
  const auto* module = reinterpret_cast<const Hdf5Module* (*)()>(entry)();
  if (module->abi != Hdf5Module::current_abi)
    refuse(detail::concat("it has interface ", module->abi, ", this kronsolve has ",
                          Hdf5Module::current_abi));
  return *module;
}

const Hdf5Module& hdf5() {
  static const Hdf5Module& module = load_hdf5();
  return module;
}

std::string part(const std::string& path) { return path + ".part"; }

}  // namespace

void Hdf5File::fail(const char* doing, const std::string& name) const {
  throw IoError(path_,
                detail::concat("cannot ", doing, " '", name, "' of '", path_, "'",
                               errno != 0 ? detail::concat(": ", std::strerror(errno)) : ""));
}

Hdf5File Hdf5File::create(std::string path) {
  const auto refuse = [&](const char* why) {
    throw IoError(path, detail::concat("cannot create '", path, "': ", why));
  };
  if (std::filesystem::is_directory(path)) refuse("it is a directory");
  const Hdf5Module& module = hdf5();
  // The system says why better than HDF5 does.
  std::FILE* probe = std::fopen(part(path).c_str(), "wb");
  if (probe == nullptr) refuse(std::strerror(errno));
  (void)std::fclose(probe);
  const auto file = module.create(part(path).c_str());
  if (file < 0) refuse("HDF5 cannot write there");
  return Hdf5File(std::move(path), file, true);
}

Hdf5File Hdf5File::open(std::string path) {
  { const InputFile readable(path); }  // or throws with the system's reason
  const auto file = hdf5().open(path.c_str());
  if (file < 0) throw InvalidArgument(detail::concat("'", path, "' is not an HDF5 file"));
  return Hdf5File(std::move(path), file, false);
}

Hdf5File& Hdf5File::operator=(Hdf5File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(writing_, other.writing_);
  return *this;
}

Hdf5File::~Hdf5File() {
  if (file_ >= 0) (void)hdf5().close(file_, false);
  if (writing_) (void)std::remove(part(path_).c_str());
}

void Hdf5File::close() {
  errno = 0;
  if (!hdf5().close(std::exchange(file_, -1), true)) fail("write", "/");
  if (writing_ && std::rename(part(path_).c_str(), path_.c_str()) != 0) fail("name", "/");
  writing_ = false;
}

template <Scalar T>
void Hdf5File::write(const std::string& name, std::span<const T> values,
                     const std::vector<index_t>& shape) {
  errno = 0;
  if (!hdf5().write(file_, name, scalar_kind<T>, values.data(), shape)) fail("write", name);
}

void Hdf5File::write_text(const std::string& name, const std::string& text) {
  errno = 0;
  if (!hdf5().write_text(file_, name, text)) fail("write", name);
}

void Hdf5File::create_vector(const std::string& name, ScalarKind scalar, index_t rows) {
  errno = 0;
  if (!hdf5().create_vector(file_, name, scalar, rows)) fail("write", name);
}

template <Scalar T>
void Hdf5File::write_rows(const std::string& name, index_t begin, std::span<const T> values) {
  if (values.empty()) return;
  errno = 0;
  const RowRange rows{begin, begin + static_cast<index_t>(values.size())};
  if (!hdf5().write_rows(file_, name, scalar_kind<T>, rows, values.data())) fail("write", name);
}

Hdf5File::Vector Hdf5File::vector(const std::string& name) const {
  using Missing = Hdf5Module::Missing;
  const auto [found, missing] = hdf5().vector(file_, name);
  if (found) return *found;
  const char* why = missing == Missing::name     ? "has no"
                    : missing == Missing::vector ? "holds something other than a vector under"
                                                 : "holds no real or complex numbers under";
  throw InvalidArgument(detail::concat("'", path_, "' ", why, " '", name, "'"));
}

std::string Hdf5File::text(const std::string& name) const {
  auto [found, missing] = hdf5().text(file_, name);
  if (found) return std::move(*found);
  const char* what = missing == Hdf5Module::Missing::name ? "attribute" : "text in the attribute";
  throw InvalidArgument(detail::concat("'", path_, "' has no ", what, " '", name, "'"));
}

template <Scalar T>
void Hdf5File::read_rows(const std::string& name, index_t begin, std::span<T> values) const {
  if (values.empty()) return;
  errno = 0;
  const RowRange rows{begin, begin + static_cast<index_t>(values.size())};
  if (!hdf5().read_rows(file_, name, scalar_kind<T>, rows, values.data())) fail("read", name);
}

namespace {

/// Rows that travel at a time.
constexpr index_t slice_rows = index_t{1} << 20;

/// Calls take(rank, piece of its rows) for every rank in turn; the same calls on every rank.
template <class Take>
void for_each_slice(const RowPartition& rows, Take&& take) {
  for (int rank = 0; rank < rows.ranks(); ++rank) {
    const RowRange all = rows.range(rank);
    for (index_t begin = all.begin; begin < all.end; begin += slice_rows)
      take(rank, RowRange{begin, std::min(all.end, begin + slice_rows)});
  }
}

}  // namespace

template <Scalar T>
void write_distributed(const Comm& comm, Hdf5File* file, const std::string& name,
                       const RowPartition& rows, std::span<const T> owned) {
  comm.agree([&] {
    if (comm.is_root()) file->create_vector(name, scalar_kind<T>, rows.rows());
  });
  const index_t first = rows.range(comm.rank()).begin;
  for_each_slice(rows, [&](int rank, RowRange piece) {
    const auto mine = rank == comm.rank()
                          ? owned.subspan(static_cast<std::size_t>(piece.begin - first),
                                          static_cast<std::size_t>(piece.size()))
                          : std::span<const T>();
    const auto values = comm.gather_v(mine);
    comm.agree([&] {
      if (comm.is_root()) file->write_rows<T>(name, piece.begin, values);
    });
  });
}

template <Scalar T>
void read_distributed(const Comm& comm, const Hdf5File* file, const std::string& name,
                      const RowPartition& rows, std::span<T> owned) {
  const index_t first = rows.range(comm.rank()).begin;
  for_each_slice(rows, [&](int rank, RowRange piece) {
    std::vector<std::vector<T>> send(static_cast<std::size_t>(comm.size()));
    comm.agree([&] {
      if (!comm.is_root()) return;
      auto& values = send[static_cast<std::size_t>(rank)];
      values.resize(static_cast<std::size_t>(piece.size()));
      file->read_rows<T>(name, piece.begin, values);
    });
    const auto received = comm.all_to_all_v(send);
    if (rank == comm.rank())
      std::copy(received[0].begin(), received[0].end(),
                owned.begin() + static_cast<std::ptrdiff_t>(piece.begin - first));
  });
}

#define KRONSOLVE_INSTANTIATE(T)                                                                   \
  template void Hdf5File::write(const std::string&, std::span<const T>,                            \
                                const std::vector<index_t>&);                                      \
  template void Hdf5File::write_rows(const std::string&, index_t, std::span<const T>);             \
  template void Hdf5File::read_rows(const std::string&, index_t, std::span<T>) const;              \
  template void write_distributed(const Comm&, Hdf5File*, const std::string&, const RowPartition&, \
                                  std::span<const T>);                                             \
  template void read_distributed(const Comm&, const Hdf5File*, const std::string&,                 \
                                 const RowPartition&, std::span<T>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
