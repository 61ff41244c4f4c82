#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <hdf5.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>
#include <kronsolve/core/hdf5_file.hpp>

namespace kronsolve {

namespace {

static_assert(sizeof(hid_t) == sizeof(std::int64_t));

/// Owns an identifier of HDF5.
template <herr_t (*close)(hid_t)>
class Id {
 public:
  explicit Id(hid_t raw) : raw_(raw) {}
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  ~Id() {
    if (raw_ >= 0) (void)close(raw_);
  }
  hid_t get() const noexcept { return raw_; }
  bool ok() const noexcept { return raw_ >= 0; }

 private:
  hid_t raw_;
};
using Space = Id<H5Sclose>;
using Type = Id<H5Tclose>;
using Data = Id<H5Dclose>;
using Attribute = Id<H5Aclose>;
using Properties = Id<H5Pclose>;

/// HDF5 would print its own words to stderr; ours say what matters.
void be_silent() { (void)H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

hid_t make_type(ScalarKind scalar) {
  if (scalar == ScalarKind::real) return H5Tcopy(H5T_NATIVE_DOUBLE);
  const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(std::complex<double>));
  (void)H5Tinsert(type, "r", 0, H5T_NATIVE_DOUBLE);
  (void)H5Tinsert(type, "i", sizeof(double), H5T_NATIVE_DOUBLE);
  return type;
}

std::string part(const std::string& path) { return path + ".part"; }

/// Creates a data set with the groups above it; what stands there is an error.
hid_t create_data(hid_t file, const std::string& name, hid_t type, hid_t space) {
  const Properties links(H5Pcreate(H5P_LINK_CREATE));
  (void)H5Pset_create_intermediate_group(links.get(), 1);
  return H5Dcreate2(file, name.c_str(), type, space, links.get(), H5P_DEFAULT, H5P_DEFAULT);
}

/// The rows [begin, begin + count) of a vector.
bool select(hid_t space, index_t begin, index_t count) {
  const auto first = static_cast<hsize_t>(begin), length = static_cast<hsize_t>(count);
  return H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, nullptr, &length, nullptr) >= 0;
}

}  // namespace

void Hdf5File::fail(const char* doing, const std::string& name) const {
  throw IoError(path_,
                detail::concat("cannot ", doing, " '", name, "' of '", path_, "'",
                               errno != 0 ? detail::concat(": ", std::strerror(errno)) : ""));
}

Hdf5File Hdf5File::create(std::string path) {
  be_silent();
  const auto refuse = [&](const char* why) {
    throw IoError(path, detail::concat("cannot create '", path, "': ", why));
  };
  if (std::filesystem::is_directory(path)) refuse("it is a directory");
  // The system says why better than HDF5 does.
  std::FILE* probe = std::fopen(part(path).c_str(), "wb");
  if (probe == nullptr) refuse(std::strerror(errno));
  (void)std::fclose(probe);
  const hid_t file = H5Fcreate(part(path).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (file < 0) refuse("HDF5 cannot write there");
  return Hdf5File(std::move(path), file, true);
}

Hdf5File Hdf5File::open(std::string path) {
  be_silent();
  { const InputFile readable(path); }  // or throws with the system's reason
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
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
  if (file_ >= 0) (void)H5Fclose(file_);
  if (writing_) (void)std::remove(part(path_).c_str());
}

void Hdf5File::close() {
  errno = 0;
  const bool flushed = H5Fflush(file_, H5F_SCOPE_GLOBAL) >= 0;
  const bool closed = H5Fclose(std::exchange(file_, -1)) >= 0;
  if (!flushed || !closed) fail("write", "/");
  if (writing_ && std::rename(part(path_).c_str(), path_.c_str()) != 0) fail("name", "/");
  writing_ = false;
}

template <Scalar T>
void Hdf5File::write(const std::string& name, std::span<const T> values,
                     const std::vector<index_t>& shape) {
  errno = 0;
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  const Space space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
  const Type type(make_type(scalar_kind<T>));
  const Data data(create_data(file_, name, type.get(), space.get()));
  if (!data.ok() ||
      H5Dwrite(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
    fail("write", name);
}

void Hdf5File::write_text(const std::string& name, const std::string& text) {
  errno = 0;
  const Space space(H5Screate(H5S_SCALAR));
  const Type type(H5Tcopy(H5T_C_S1));
  (void)H5Tset_size(type.get(), std::max<std::size_t>(1, text.size()));
  (void)H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const Attribute attribute(
      H5Acreate2(file_, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute.ok() || H5Awrite(attribute.get(), type.get(), text.c_str()) < 0)
    fail("write", name);
}

void Hdf5File::create_vector(const std::string& name, ScalarKind scalar, index_t rows) {
  errno = 0;
  const auto dim = static_cast<hsize_t>(rows);
  const Space space(H5Screate_simple(1, &dim, nullptr));
  const Type type(make_type(scalar));
  const Data data(create_data(file_, name, type.get(), space.get()));
  if (!data.ok()) fail("write", name);
}

template <Scalar T>
void Hdf5File::write_rows(const std::string& name, index_t begin, std::span<const T> values) {
  if (values.empty()) return;
  errno = 0;
  const auto count = static_cast<hsize_t>(values.size());
  const Data data(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
  if (!data.ok()) fail("write", name);
  const Space there(H5Dget_space(data.get())), here(H5Screate_simple(1, &count, nullptr));
  const Type type(make_type(scalar_kind<T>));
  if (!select(there.get(), begin, static_cast<index_t>(count)) ||
      H5Dwrite(data.get(), type.get(), here.get(), there.get(), H5P_DEFAULT, values.data()) < 0)
    fail("write", name);
}

Hdf5File::Vector Hdf5File::vector(const std::string& name) const {
  const auto refuse = [&](const char* why) {
    throw InvalidArgument(detail::concat("'", path_, "' ", why, " '", name, "'"));
  };
  const Data data(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
  if (!data.ok()) refuse("has no");
  const Space space(H5Dget_space(data.get()));
  hsize_t rows = 0;
  if (H5Sget_simple_extent_ndims(space.get()) != 1 ||
      H5Sget_simple_extent_dims(space.get(), &rows, nullptr) != 1)
    refuse("holds something other than a vector under");
  const Type type(H5Dget_type(data.get()));
  const bool real = H5Tget_class(type.get()) == H5T_FLOAT;
  const bool pair = H5Tget_class(type.get()) == H5T_COMPOUND &&
                    H5Tget_member_index(type.get(), "r") >= 0 &&
                    H5Tget_member_index(type.get(), "i") >= 0;
  if (!real && !pair) refuse("holds no real or complex numbers under");
  return {pair ? ScalarKind::complex : ScalarKind::real, static_cast<index_t>(rows)};
}

std::string Hdf5File::text(const std::string& name) const {
  const Attribute attribute(H5Aopen(file_, name.c_str(), H5P_DEFAULT));
  if (!attribute.ok())
    throw InvalidArgument(detail::concat("'", path_, "' has no attribute '", name, "'"));
  const Type type(H5Aget_type(attribute.get()));
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0)
    throw InvalidArgument(
        detail::concat("'", path_, "' has no text in the attribute '", name, "'"));
  std::string text(H5Tget_size(type.get()), '\0');
  if (H5Aread(attribute.get(), type.get(), text.data()) < 0) fail("read", name);
  if (const auto end = text.find('\0'); end != text.npos) text.resize(end);
  return text;
}

template <Scalar T>
void Hdf5File::read_rows(const std::string& name, index_t begin, std::span<T> values) const {
  if (values.empty()) return;
  errno = 0;
  const auto count = static_cast<hsize_t>(values.size());
  const Data data(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
  if (!data.ok()) fail("read", name);
  const Space there(H5Dget_space(data.get())), here(H5Screate_simple(1, &count, nullptr));
  const Type type(make_type(scalar_kind<T>));
  if (!select(there.get(), begin, static_cast<index_t>(count)) ||
      H5Dread(data.get(), type.get(), here.get(), there.get(), H5P_DEFAULT, values.data()) < 0)
    fail("read", name);
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
