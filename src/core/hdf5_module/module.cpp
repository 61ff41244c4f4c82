// HDF5 behind plain functions: the only file that knows it.
#include <algorithm>
#include <complex>

#include <hdf5.h>

#include "core/hdf5_module.hpp"

namespace {

using namespace kronsolve;
using File = Hdf5Module::File;
using Missing = Hdf5Module::Missing;

static_assert(sizeof(hid_t) == sizeof(File));

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

hid_t make_type(ScalarKind scalar) {
  if (scalar == ScalarKind::real) return H5Tcopy(H5T_NATIVE_DOUBLE);
  const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(std::complex<double>));
  (void)H5Tinsert(type, "r", 0, H5T_NATIVE_DOUBLE);
  (void)H5Tinsert(type, "i", sizeof(double), H5T_NATIVE_DOUBLE);
  return type;
}

/// Creates a data set with the groups above it; what stands there is an error.
hid_t create_data(hid_t file, const std::string& name, hid_t type, hid_t space) {
  const Properties links(H5Pcreate(H5P_LINK_CREATE));
  (void)H5Pset_create_intermediate_group(links.get(), 1);
  return H5Dcreate2(file, name.c_str(), type, space, links.get(), H5P_DEFAULT, H5P_DEFAULT);
}

/// The part of a vector that a transfer is about.
bool select(hid_t space, RowRange rows) {
  const auto first = static_cast<hsize_t>(rows.begin), length = static_cast<hsize_t>(rows.size());
  return H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, nullptr, &length, nullptr) >= 0;
}

File create(const char* path) { return H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT); }

File open(const char* path) { return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT); }

bool close(File file, bool flush) {
  const bool flushed = !flush || H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0;
  return H5Fclose(file) >= 0 && flushed;
}

bool write(File file, const std::string& name, ScalarKind scalar, const void* values,
           const std::vector<index_t>& shape) {
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  const Space space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
  const Type type(make_type(scalar));
  const Data data(create_data(file, name, type.get(), space.get()));
  return data.ok() && H5Dwrite(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
}

bool create_vector(File file, const std::string& name, ScalarKind scalar, index_t rows) {
  const auto dim = static_cast<hsize_t>(rows);
  const Space space(H5Screate_simple(1, &dim, nullptr));
  const Type type(make_type(scalar));
  return Data(create_data(file, name, type.get(), space.get())).ok();
}

/// Calls move(data set, type, space of these rows in memory, space of them in the file).
template <class Move>
bool move_rows(File file, const std::string& name, ScalarKind scalar, RowRange rows, Move&& move) {
  const auto count = static_cast<hsize_t>(rows.size());
  const Data data(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  if (!data.ok()) return false;
  const Space there(H5Dget_space(data.get())), here(H5Screate_simple(1, &count, nullptr));
  const Type type(make_type(scalar));
  return select(there.get(), rows) && move(data.get(), type.get(), here.get(), there.get()) >= 0;
}

bool write_rows(File file, const std::string& name, ScalarKind scalar, RowRange rows,
                const void* values) {
  return move_rows(file, name, scalar, rows, [&](hid_t data, hid_t type, hid_t here, hid_t there) {
    return H5Dwrite(data, type, here, there, H5P_DEFAULT, values);
  });
}

bool read_rows(File file, const std::string& name, ScalarKind scalar, RowRange rows, void* values) {
  return move_rows(file, name, scalar, rows, [&](hid_t data, hid_t type, hid_t here, hid_t there) {
    return H5Dread(data, type, here, there, H5P_DEFAULT, values);
  });
}

Hdf5Module::Found<Hdf5File::Vector> vector(File file, const std::string& name) {
  const Data data(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  if (!data.ok()) return {{}, Missing::name};
  const Space space(H5Dget_space(data.get()));
  hsize_t rows = 0;
  if (H5Sget_simple_extent_ndims(space.get()) != 1 ||
      H5Sget_simple_extent_dims(space.get(), &rows, nullptr) != 1)
    return {{}, Missing::vector};
  const Type type(H5Dget_type(data.get()));
  const bool real = H5Tget_class(type.get()) == H5T_FLOAT;
  const bool pair = H5Tget_class(type.get()) == H5T_COMPOUND &&
                    H5Tget_member_index(type.get(), "r") >= 0 &&
                    H5Tget_member_index(type.get(), "i") >= 0;
  if (!real && !pair) return {{}, Missing::numbers};
  return {
      Hdf5File::Vector{pair ? ScalarKind::complex : ScalarKind::real, static_cast<index_t>(rows)}};
}

bool write_text(File file, const std::string& name, const std::string& text) {
  const Space space(H5Screate(H5S_SCALAR));
  const Type type(H5Tcopy(H5T_C_S1));
  (void)H5Tset_size(type.get(), std::max<std::size_t>(1, text.size()));
  (void)H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const Attribute attribute(
      H5Acreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  return attribute.ok() && H5Awrite(attribute.get(), type.get(), text.c_str()) >= 0;
}

Hdf5Module::Found<std::string> text(File file, const std::string& name) {
  const Attribute attribute(H5Aopen(file, name.c_str(), H5P_DEFAULT));
  if (!attribute.ok()) return {{}, Missing::name};
  const Type type(H5Aget_type(attribute.get()));
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0)
    return {{}, Missing::text};
  std::string value(H5Tget_size(type.get()), '\0');
  if (H5Aread(attribute.get(), type.get(), value.data()) < 0) return {{}, Missing::text};
  if (const auto end = value.find('\0'); end != value.npos) value.resize(end);
  return {std::move(value)};
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const Hdf5Module* kronsolve_hdf5_module() {
  // HDF5 would print its own words to stderr; ours say what matters.
  (void)H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  static const Hdf5Module module{Hdf5Module::current_abi,
                                 create,
                                 open,
                                 close,
                                 write,
                                 create_vector,
                                 write_rows,
                                 read_rows,
                                 vector,
                                 write_text,
                                 text};
  return &module;
}
