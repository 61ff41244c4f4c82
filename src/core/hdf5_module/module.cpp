// HDF5 behind plain functions: the only file that knows it.
#include <algorithm>
#include <array>
#include <complex>
#include <cstring>
#include <limits>
#include <memory>
#include <span>

#include <hdf5.h>
#include <hdf5_hl.h>

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

// ---- bytes: a driver of HDF5 over Hdf5Storage ------------------------------------------------

/// What a property list carries to open_bytes.
struct Access {
  Hdf5Storage* storage;
  const bool* sealed;  ///< the file is open: any other that HDF5 asks for is a link to elsewhere
};

struct Bytes {
  H5FD_t common;  // first: HDF5 takes a pointer to it for one to all
  Hdf5Storage* storage;
  haddr_t end;  ///< of what HDF5 has allotted
};

Bytes& bytes(H5FD_t* file) { return *reinterpret_cast<Bytes*>(file); }
const Bytes& bytes(const H5FD_t* file) { return *reinterpret_cast<const Bytes*>(file); }

H5FD_t* open_bytes(const char*, unsigned, hid_t access, haddr_t) {
  const auto* given = static_cast<const Access*>(H5Pget_driver_info(access));
  if (given == nullptr || *given->sealed) return nullptr;
  return &(new Bytes{{}, given->storage, 0})->common;
}

herr_t close_bytes(H5FD_t* file) {
  delete &bytes(file);
  return 0;
}

herr_t features(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t allotted(const H5FD_t* file, H5FD_mem_t) { return bytes(file).end; }

herr_t allot(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  bytes(file).end = end;
  return 0;
}

haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) {
  return static_cast<haddr_t>(bytes(file).storage->size());
}

/// Whether a transfer lies in what can be counted.
bool in_range(haddr_t address, std::size_t size) {
  constexpr auto most = static_cast<haddr_t>(std::numeric_limits<index_t>::max());
  return address <= most && size <= most - address;
}

herr_t read_bytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* into) {
  if (!in_range(address, size)) return -1;
  const std::span target(static_cast<char*>(into), size);
  return bytes(file).storage->read(static_cast<index_t>(address), target) ? 0 : -1;
}

herr_t write_bytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size,
                   const void* from) {
  if (!in_range(address, size)) return -1;
  bytes(file).storage->write(static_cast<index_t>(address),
                             std::span(static_cast<const char*>(from), size));
  return 0;
}

herr_t truncate_bytes(H5FD_t* file, hid_t, hbool_t) {
  auto& [common, storage, end] = bytes(file);
  const char zero = 0;
  if (static_cast<haddr_t>(storage->size()) < end)
    storage->write(static_cast<index_t>(end - 1), std::span(&zero, 1));
  return 0;
}

hid_t driver() {
  static const hid_t registered = [] {
    static H5FD_class_t description{};  // by name: versions of HDF5 have different members
#if H5_VERSION_GE(1, 14, 0)
    description.version = H5FD_CLASS_VERSION;
    description.value = static_cast<H5FD_class_value_t>(600);
#endif
    description.name = "kronsolve";
    description.maxaddr = static_cast<haddr_t>(std::numeric_limits<index_t>::max());
    description.fc_degree = H5F_CLOSE_STRONG;
    description.fapl_size = sizeof(Access);
    description.open = open_bytes;
    description.close = close_bytes;
    description.query = features;
    description.get_eoa = allotted;
    description.set_eoa = allot;
    description.get_eof = end_of_file;
    description.read = read_bytes;
    description.write = write_bytes;
    description.truncate = truncate_bytes;
    constexpr H5FD_mem_t one_list[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(one_list), std::end(one_list), description.fl_map);
    return H5FDregister(&description);
  }();
  return registered;
}

/// Opens by `open(name, properties)`; the name only appears in HDF5's own messages.
template <class Open>
File open_with(Hdf5Storage& storage, Open&& open) {
  bool sealed = false;
  const Access access{&storage, &sealed};
  const Properties properties(H5Pcreate(H5P_FILE_ACCESS));
  if (H5Pset_driver(properties.get(), driver(), &access) < 0) return -1;
  return open("kronsolve", properties.get());
}

File create(Hdf5Storage& storage) {
  return open_with(storage, [](const char* name, hid_t access) {
    return H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  });
}

File open(Hdf5Storage& storage) {
  return open_with(storage, [](const char* name, hid_t access) {
    return H5Fopen(name, H5F_ACC_RDONLY, access);
  });
}

bool close(File file) { return H5Fclose(file) >= 0; }

// ---- writing ---------------------------------------------------------------------------------

hid_t make_type(ScalarKind scalar) {
  if (scalar == ScalarKind::real) return H5Tcopy(H5T_NATIVE_DOUBLE);
  const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(std::complex<double>));
  (void)H5Tinsert(type, "r", 0, H5T_NATIVE_DOUBLE);
  (void)H5Tinsert(type, "i", sizeof(double), H5T_NATIVE_DOUBLE);
  return type;
}

hid_t make_text_type() {
  const hid_t type = H5Tcopy(H5T_C_S1);
  (void)H5Tset_size(type, H5T_VARIABLE);
  (void)H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

/// Creates a data set; what stands there is an error. All of it is written by us, and the same
/// bytes whenever that is.
hid_t create_data(hid_t file, const std::string& name, hid_t type, hid_t space) {
  const Properties how(H5Pcreate(H5P_DATASET_CREATE));
  (void)H5Pset_fill_time(how.get(), H5D_FILL_TIME_NEVER);
  (void)H5Pset_obj_track_times(how.get(), 0);
  return H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, how.get(), H5P_DEFAULT);
}

bool dimension(File file, const std::string& name, index_t length, const double* values) {
  const auto extent = static_cast<hsize_t>(length);
  const Space space(H5Screate_simple(1, &extent, nullptr));
  const Data data(create_data(file, name, H5T_NATIVE_DOUBLE, space.get()));
  if (!data.ok()) return false;
  // So netCDF marks axes that have a length and no values; no room is taken for them.
  constexpr const char* bare = "This is a netCDF dimension but not a netCDF variable.";
  if (values == nullptr) return H5DSset_scale(data.get(), bare) >= 0;
  return H5DSset_scale(data.get(), name.c_str()) >= 0 &&
         H5Dwrite(data.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
}

bool create_array(File file, const std::string& name, ScalarKind scalar,
                  const std::vector<std::string>& dimensions) {
  std::vector<hsize_t> shape;
  for (const auto& dimension : dimensions) {
    const Data scale(H5Dopen2(file, dimension.c_str(), H5P_DEFAULT));
    const Space space(H5Dget_space(scale.get()));
    shape.push_back(static_cast<hsize_t>(H5Sget_simple_extent_npoints(space.get())));
  }
  const Space space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
  const Type type(make_type(scalar));
  const Data data(create_data(file, name, type.get(), space.get()));
  bool ok = data.ok();
  for (unsigned axis = 0; ok && axis < dimensions.size(); ++axis) {
    const Data scale(H5Dopen2(file, dimensions[axis].c_str(), H5P_DEFAULT));
    ok = H5DSattach_scale(data.get(), scale.get(), axis) >= 0;
  }
  return ok;
}

bool write(File file, const std::string& name, ScalarKind scalar, const void* values) {
  const Data data(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  const Type type(make_type(scalar));
  return data.ok() && H5Dwrite(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
}

/// Rows of one column of an array (column, row), or of a vector.
bool select(hid_t space, index_t column, RowRange rows) {
  const auto begin = static_cast<hsize_t>(rows.begin), count = static_cast<hsize_t>(rows.size());
  const std::array<hsize_t, 2> first = {static_cast<hsize_t>(column), begin}, counts = {1, count};
  const int skip = H5Sget_simple_extent_ndims(space) == 2 ? 0 : 1;
  return H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data() + skip, nullptr,
                             counts.data() + skip, nullptr) >= 0;
}

/// Calls move(data set, type, space of these rows in memory, space of them in the file).
template <class Move>
bool move_rows(File file, const std::string& name, ScalarKind scalar, index_t column, RowRange rows,
               Move&& move) {
  const auto count = static_cast<hsize_t>(rows.size());
  const Data data(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  if (!data.ok()) return false;
  const Space there(H5Dget_space(data.get())), here(H5Screate_simple(1, &count, nullptr));
  const Type type(make_type(scalar));
  return select(there.get(), column, rows) &&
         move(data.get(), type.get(), here.get(), there.get()) >= 0;
}

bool write_rows(File file, const std::string& name, ScalarKind scalar, index_t column,
                RowRange rows, const void* values) {
  return move_rows(file, name, scalar, column, rows,
                   [&](hid_t data, hid_t type, hid_t here, hid_t there) {
                     return H5Dwrite(data, type, here, there, H5P_DEFAULT, values);
                   });
}

bool write_text(File file, const std::string& name, const std::string& text) {
  const Space space(H5Screate(H5S_SCALAR));
  const Type type(make_text_type());
  const char* characters = text.c_str();
  const Attribute attribute(
      H5Acreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  return attribute.ok() && H5Awrite(attribute.get(), type.get(), &characters) >= 0;
}

// ---- reading: nothing in the file is trusted -------------------------------------------------

/// The bytes of an array lie in the file itself, as they are and all of them.
bool lies_in_file(hid_t data, hid_t space, hid_t type, haddr_t end) {
  const Properties how(H5Dget_create_plist(data));
  if (!how.ok() || H5Pget_layout(how.get()) != H5D_CONTIGUOUS ||
      H5Pget_external_count(how.get()) != 0 || H5Pget_nfilters(how.get()) != 0)
    return false;
  const auto count = H5Sget_simple_extent_npoints(space);
  const haddr_t offset = H5Dget_offset(data);
  if (count < 0 || offset == HADDR_UNDEF || offset > end) return false;
  return static_cast<hsize_t>(count) <= (end - offset) / H5Tget_size(type) &&
         H5Dget_storage_size(data) == static_cast<hsize_t>(count) * H5Tget_size(type);
}

bool is_double(hid_t type) { return H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) == 8; }

std::optional<ScalarKind> scalar_of(hid_t type) {
  if (is_double(type)) return ScalarKind::real;
  if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_nmembers(type) != 2) return std::nullopt;
  for (const char* name : {"r", "i"}) {
    const int index = H5Tget_member_index(type, name);
    if (index < 0) return std::nullopt;
    const Type member(H5Tget_member_type(type, static_cast<unsigned>(index)));
    if (!is_double(member.get())) return std::nullopt;
  }
  return ScalarKind::complex;
}

Hdf5Module::Found<Hdf5File::Array> array(File file, const std::string& name) {
  const Data data(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  if (!data.ok()) return {{}, Missing::name};
  const Space space(H5Dget_space(data.get()));
  std::array<hsize_t, H5S_MAX_RANK> lengths{};
  const int axes = H5Sget_simple_extent_dims(space.get(), lengths.data(), nullptr);
  const Type type(H5Dget_type(data.get()));
  const auto scalar = scalar_of(type.get());
  if (axes < 1 || !scalar) return {{}, Missing::numbers};
  hsize_t end = 0;
  if (H5Fget_filesize(file, &end) < 0 || !lies_in_file(data.get(), space.get(), type.get(), end))
    return {{}, Missing::storage};
  Hdf5File::Array found{*scalar, {}};
  auto room = end / H5Tget_size(type.get());  // HDF5's own product of the lengths may overflow
  for (const hsize_t length : std::span(lengths).first(static_cast<std::size_t>(axes))) {
    if (length > room) return {{}, Missing::storage};
    room /= std::max<hsize_t>(length, 1);
    found.shape.push_back(static_cast<index_t>(length));
  }
  return {std::move(found), {}};
}

bool read(File file, const std::string& name, ScalarKind scalar, void* values) {
  const Data data(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  const Type type(make_type(scalar));
  return data.ok() && H5Dread(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
}

bool read_rows(File file, const std::string& name, ScalarKind scalar, index_t column, RowRange rows,
               void* values) {
  return move_rows(file, name, scalar, column, rows,
                   [&](hid_t data, hid_t type, hid_t here, hid_t there) {
                     return H5Dread(data, type, here, there, H5P_DEFAULT, values);
                   });
}

Hdf5Module::Found<std::string> text(File file, const std::string& name) {
  if (H5Aexists(file, name.c_str()) <= 0) return {{}, Missing::name};
  const Attribute attribute(H5Aopen(file, name.c_str(), H5P_DEFAULT));
  const Space space(H5Aget_space(attribute.get()));
  const Type stored(H5Aget_type(attribute.get())), type(make_text_type());
  if (H5Sget_simple_extent_type(space.get()) != H5S_SCALAR ||
      H5Tget_class(stored.get()) != H5T_STRING || H5Tis_variable_str(stored.get()) <= 0)
    return {{}, Missing::text};
  char* characters = nullptr;
  if (H5Aread(attribute.get(), type.get(), &characters) < 0 || characters == nullptr)
    return {{}, Missing::text};
  Hdf5Module::Found<std::string> found{std::string(characters), {}};
  (void)H5free_memory(characters);
  return found;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const Hdf5Module* kronsolve_hdf5_module() {
  // Files are closed by us or dropped: at exit nothing is left to do, above all nothing that fails.
  (void)H5dont_atexit();
  // HDF5 would print its own words to stderr; ours say what matters.
  (void)H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  (void)H5PLset_loading_state(0);  // no code of plug-ins that a file names
  static const Hdf5Module module{Hdf5Module::current_abi,
                                 create,
                                 open,
                                 close,
                                 dimension,
                                 create_array,
                                 write,
                                 write_rows,
                                 write_text,
                                 array,
                                 read,
                                 read_rows,
                                 text};
  return &module;
}
