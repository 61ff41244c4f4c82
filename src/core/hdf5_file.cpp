#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <numeric>
#include <string_view>
#include <variant>

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

}  // namespace

// ---- bytes -----------------------------------------------------------------------------------

/// The file that HDF5 reads or writes. What fails is kept and thrown once HDF5 has returned.
class Hdf5File::Bytes final : public Hdf5Storage {
 public:
  explicit Bytes(OutputFile file) : file_(std::move(file)) {}
  explicit Bytes(InputFile file) : file_(std::move(file)) { size_ = verified_size(); }

  index_t size() const noexcept override {
    const auto* output = std::get_if<OutputFile>(&file_);
    return output != nullptr ? output->size() : size_;
  }
  bool read(index_t offset, std::span<char> bytes) noexcept override {
    return kept([&] {
      const auto readable = static_cast<std::size_t>(std::max<index_t>(0, size() - offset));
      const auto wanted = bytes.first(std::min(readable, bytes.size()));
      const auto got = get(offset, wanted);
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(got), bytes.end(), '\0');
    });
  }
  void write(index_t offset, std::span<const char> bytes) noexcept override {
    (void)kept([&] { std::get<OutputFile>(file_).write(offset, bytes); });
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  void close(const std::string& keep) {
    auto& file = std::get<OutputFile>(file_);
    file.append(seal(file.size()));
    file.close(keep);
  }

 private:
  /// False once anything has failed: then nothing is read or written any more.
  template <class Move>
  bool kept(Move&& move) noexcept {
    if (failure_) return false;
    try {
      move();
    } catch (...) {
      failure_ = std::current_exception();
    }
    return !failure_;
  }
  std::size_t get(index_t offset, std::span<char> bytes) const {
    return std::visit([&](const auto& file) { return file.read(offset, bytes); }, file_);
  }

  /// The line at the end of a file: HDF5 does not look beyond its own end.
  std::string seal(index_t size) const {
    Checksum sum;
    std::vector<char> piece(static_cast<std::size_t>(std::min(size, index_t{1} << 20)));
    for (index_t at = 0; at < size; at += static_cast<index_t>(piece.size())) {
      const auto wanted = std::min(static_cast<index_t>(piece.size()), size - at);
      sum.add({piece.data(), get(at, std::span(piece).first(static_cast<std::size_t>(wanted)))});
    }
    char text[2 * seal_length];
    (void)std::snprintf(text, sizeof(text), "kronsolve checksum %016llx of %018lld bytes\n",
                        static_cast<unsigned long long>(sum.value()), static_cast<long long>(size));
    return text;
  }
  /// Bytes before the seal.
  /// @throws InvalidArgument  they are not what it says
  index_t verified_size() const {
    const auto& file = std::get<InputFile>(file_);
    const auto refuse = [&](const char* why) {
      throw InvalidArgument(detail::concat("'", file.path(), "' ", why));
    };
    constexpr std::string_view magic = "\x89HDF\r\n\x1a\n";
    const index_t size = file.size() - static_cast<index_t>(seal_length);
    std::string begin(magic.size(), '\0'), end(seal_length, '\0');
    if (file.read(0, begin) != magic.size() || begin != magic) refuse("is not an HDF5 file");
    if (size < 0 || file.read(size, end) != seal_length || !end.starts_with("kronsolve checksum "))
      refuse("is cut short, was changed, or was not saved by kronsolve: no checksum at its end");
    if (end != seal(size)) refuse("is damaged: its bytes do not have the checksum at its end");
    return size;
  }

  static constexpr std::size_t seal_length = 64;
  std::variant<InputFile, OutputFile> file_;
  index_t size_ = 0;
  std::exception_ptr failure_;
};

// ---- files -----------------------------------------------------------------------------------

Hdf5File::Hdf5File(std::string path, std::unique_ptr<Bytes> bytes)
    : path_(std::move(path)), bytes_(std::move(bytes)) {}
Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : path_(std::move(other.path_)),
      bytes_(std::move(other.bytes_)),
      file_(std::exchange(other.file_, -1)) {}

Hdf5File& Hdf5File::operator=(Hdf5File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  std::swap(file_, other.file_);
  return *this;
}

Hdf5File::~Hdf5File() {
  if (file_ >= 0) (void)hdf5().close(file_);
}

Hdf5File Hdf5File::create(std::string path) {
  const Hdf5Module& module = hdf5();
  Hdf5File result(path, std::make_unique<Bytes>(OutputFile(path)));
  result.file_ = module.create(*result.bytes_);
  result.require(result.file_ >= 0, "begin", "/");
  return result;
}

Hdf5File Hdf5File::open(std::string path) {
  Hdf5File result(path, std::make_unique<Bytes>(InputFile(path)));
  result.file_ = hdf5().open(*result.bytes_);
  result.bytes_->rethrow();
  if (result.file_ < 0) throw InvalidArgument(detail::concat("'", path, "' is not an HDF5 file"));
  return result;
}

void Hdf5File::close(const std::string& keep) {
  const bool done = hdf5().close(std::exchange(file_, -1));
  require(done, "end", "/");
  bytes_->close(keep);
}

void Hdf5File::require(bool done, const char* doing, const std::string& name) const {
  bytes_->rethrow();
  if (!done)
    throw IoError(path_,
                  detail::concat("cannot ", doing, " '", name, "' of '", path_, "': HDF5 refuses"));
}

void Hdf5File::write_dimension(const std::string& name, index_t length) {
  require(hdf5().dimension(file_, name, length, nullptr), "write", name);
}

void Hdf5File::write_dimension(const std::string& name, std::span<const double> coordinates) {
  const auto length = static_cast<index_t>(coordinates.size());
  require(hdf5().dimension(file_, name, length, coordinates.data()), "write", name);
}

template <Scalar T>
void Hdf5File::write(const std::string& name, std::span<const T> values,
                     const std::vector<std::string>& dimensions) {
  create_vectors(name, scalar_kind<T>, dimensions);
  require(hdf5().write(file_, name, scalar_kind<T>, values.data()), "write", name);
}

void Hdf5File::write_text(const std::string& name, const std::string& text) {
  require(hdf5().write_text(file_, name, text), "write", name);
}

void Hdf5File::create_vectors(const std::string& name, ScalarKind scalar,
                              const std::vector<std::string>& dimensions) {
  require(hdf5().create_array(file_, name, scalar, dimensions), "write", name);
}

template <Scalar T>
void Hdf5File::write_rows(const std::string& name, index_t column, index_t begin,
                          std::span<const T> values) {
  if (values.empty()) return;
  const RowRange rows{begin, begin + static_cast<index_t>(values.size())};
  require(hdf5().write_rows(file_, name, scalar_kind<T>, column, rows, values.data()), "write",
          name);
}

Hdf5File::Array Hdf5File::array(const std::string& name) const {
  using Missing = Hdf5Module::Missing;
  auto [found, missing] = hdf5().array(file_, name);
  bytes_->rethrow();
  if (found) return std::move(*found);
  const char* why = missing == Missing::name      ? "has no"
                    : missing == Missing::numbers ? "holds no real or complex numbers under"
                                                  : "does not hold all of";
  throw InvalidArgument(detail::concat("'", path_, "' ", why, " '", name, "'"));
}

Hdf5File::Vector Hdf5File::vector(const std::string& name) const {
  const auto [scalar, shape] = array(name);
  if (shape.size() > 2)
    throw InvalidArgument(
        detail::concat("'", path_, "' holds something other than vectors under '", name, "'"));
  return {scalar, shape.back(), shape.size() == 2 ? shape.front() : 1};
}

template <Scalar T>
void Hdf5File::read(const std::string& name, std::span<T> values) const {
  const auto [scalar, shape] = array(name);
  const auto count = std::accumulate(shape.begin(), shape.end(), index_t{1}, std::multiplies<>());
  if (scalar != scalar_kind<T> || count != std::ssize(values))
    throw InvalidArgument(detail::concat("'", path_, "': '", name, "' holds ", count, " ",
                                         to_string(scalar), " numbers"));
  if (!values.empty())
    require(hdf5().read(file_, name, scalar_kind<T>, values.data()), "read", name);
}

std::string Hdf5File::text(const std::string& name) const {
  auto [found, missing] = hdf5().text(file_, name);
  bytes_->rethrow();
  if (found) return std::move(*found);
  const char* what =
      missing == Hdf5Module::Missing::text ? "holds something other than a text as" : "has no text";
  throw InvalidArgument(detail::concat("'", path_, "' ", what, " '", name, "'"));
}

template <Scalar T>
void Hdf5File::read_rows(const std::string& name, index_t column, index_t begin,
                         std::span<T> values) const {
  if (values.empty()) return;
  const RowRange rows{begin, begin + static_cast<index_t>(values.size())};
  require(hdf5().read_rows(file_, name, scalar_kind<T>, column, rows, values.data()), "read", name);
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
void write_distributed(const Comm& comm, Hdf5File* file, const std::string& name, index_t column,
                       const RowPartition& rows, std::span<const T> owned) {
  const index_t first = rows.range(comm.rank()).begin;
  for_each_slice(rows, [&](int rank, RowRange piece) {
    const auto mine = rank == comm.rank()
                          ? owned.subspan(static_cast<std::size_t>(piece.begin - first),
                                          static_cast<std::size_t>(piece.size()))
                          : std::span<const T>();
    const auto values = comm.gather_v(mine);
    comm.agree([&] {
      if (comm.is_root()) file->write_rows<T>(name, column, piece.begin, values);
    });
  });
}

template <Scalar T>
void read_distributed(const Comm& comm, const Hdf5File* file, const std::string& name,
                      index_t column, const RowPartition& rows, std::span<T> owned) {
  const index_t first = rows.range(comm.rank()).begin;
  for_each_slice(rows, [&](int rank, RowRange piece) {
    std::vector<std::vector<T>> send(static_cast<std::size_t>(comm.size()));
    comm.agree([&] {
      if (!comm.is_root()) return;
      auto& values = send[static_cast<std::size_t>(rank)];
      values.resize(static_cast<std::size_t>(piece.size()));
      file->read_rows<T>(name, column, piece.begin, values);
    });
    const auto received = comm.all_to_all_v(send);
    if (rank == comm.rank())
      std::copy(received[0].begin(), received[0].end(),
                owned.begin() + static_cast<std::ptrdiff_t>(piece.begin - first));
  });
}

#define KRONSOLVE_INSTANTIATE(T)                                                                \
  template void Hdf5File::write(const std::string&, std::span<const T>,                         \
                                const std::vector<std::string>&);                               \
  template void Hdf5File::write_rows(const std::string&, index_t, index_t, std::span<const T>); \
  template void Hdf5File::read(const std::string&, std::span<T>) const;                         \
  template void Hdf5File::read_rows(const std::string&, index_t, index_t, std::span<T>) const;  \
  template void write_distributed(const Comm&, Hdf5File*, const std::string&, index_t,          \
                                  const RowPartition&, std::span<const T>);                     \
  template void read_distributed(const Comm&, const Hdf5File*, const std::string&, index_t,     \
                                 const RowPartition&, std::span<T>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
