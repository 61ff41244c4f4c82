#include <algorithm>
#include <cstring>

#include <kronsolve/core/comm_windows.hpp>

#include "core/pieces.hpp"

namespace kronsolve {

Comm same_machine(const Comm& comm) {
  if (comm.is_serial()) return Comm();
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(
      MPI_Comm_split_type(comm.handle(), MPI_COMM_TYPE_SHARED, comm.rank(), MPI_INFO_NULL, &node),
      "MPI_Comm_split_type");
  Comm machine(node);
  MPI_Comm_free(&node);
  return machine;
}

}  // namespace kronsolve

namespace kronsolve::detail {

namespace {

/// An MPI file, closed with its owner; its errors come back as codes.
class File {
 public:
  File(const Comm& comm, const std::string& path, int mode) {
    code_ = MPI_File_open(comm.handle(), path.c_str(), mode, MPI_INFO_NULL, &file_);
  }
  ~File() {
    if (file_ != MPI_FILE_NULL) MPI_File_close(&file_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  MPI_File get() const noexcept { return file_; }
  int code() const noexcept { return code_; }
  int close() { return MPI_File_close(&file_); }

 private:
  MPI_File file_ = MPI_FILE_NULL;
  int code_ = MPI_SUCCESS;
};

std::string text_of(int code) {
  std::string text(MPI_MAX_ERROR_STRING, '\0');
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

void require_file(const Comm& comm, const std::string& path, const char* verb, int code) {
  comm.agree([&] {
    if (code != MPI_SUCCESS)
      throw IoError(path, concat(path, ": cannot be ", verb, ": ", text_of(code)));
  });
}

/// Calls access(byte offset, pointer, count) for each piece, as often on every rank: the calls are
/// collective.
template <class Access>
int in_pieces(const Comm& comm, void* data, index_t first, index_t count, MPI_Datatype type,
              const Access& access) {
  int size = 0;
  check_mpi(MPI_Type_size(type, &size), "MPI_Type_size");
  const index_t most = comm.all_reduce(count, Reduce::max);
  int worst = MPI_SUCCESS;
  for (index_t done = 0; done < most; done += piece) {
    const index_t here = std::clamp(count - done, index_t{0}, piece), at = std::min(done, count);
    MPI_Status status;
    int code = access((first + at) * size, static_cast<char*>(data) + at * size,
                      static_cast<int>(here), &status);
    int moved = 0;
    if (code == MPI_SUCCESS) {
      MPI_Get_count(&status, type, &moved);
      if (moved != here) code = MPI_ERR_IO;
    }
    if (worst == MPI_SUCCESS) worst = code;
  }
  return worst;
}

}  // namespace

WindowHandle::WindowHandle(const Comm& comm, Kind kind, index_t bytes, int element_bytes)
    : bytes_(bytes) {
  if (bytes < 0) throw DimensionError("Window: its length must not be negative");
  if (kind == Kind::one_sided) {
    check_mpi(
        MPI_Win_allocate(bytes, element_bytes, MPI_INFO_NULL, comm.handle(), &base_, &window_),
        "MPI_Win_allocate");
    clear();
    return;
  }
  const Comm machine = same_machine(comm);
  check_mpi(MPI_Win_allocate_shared(machine.is_root() ? bytes : 0, element_bytes, MPI_INFO_NULL,
                                    machine.handle(), &base_, &window_),
            "MPI_Win_allocate_shared");
  if (machine.is_root()) clear();
  MPI_Aint size = 0;
  int unit = 0;
  check_mpi(MPI_Win_shared_query(window_, 0, &size, &unit, &base_), "MPI_Win_shared_query");
  bytes_ = size;
  fence();
}

// MPI does not say what new memory holds, and with one rank it is malloc's.
void WindowHandle::clear() const {
  if (bytes_ > 0) std::memset(base_, 0, static_cast<std::size_t>(bytes_));
}

WindowHandle::~WindowHandle() {
  if (window_ != MPI_WIN_NULL && Environment::running()) MPI_Win_free(&window_);
}

void WindowHandle::fence() const { check_mpi(MPI_Win_fence(0, window_), "MPI_Win_fence"); }

void WindowHandle::put(const void* data, index_t count, MPI_Datatype type, int rank,
                       index_t offset) const {
  for_each_piece(data, count, type, [&](const char* at, int n, index_t done) {
    check_mpi(MPI_Put(at, n, type, rank, offset + done, n, type, window_), "MPI_Put");
  });
}
void WindowHandle::get(void* data, index_t count, MPI_Datatype type, int rank,
                       index_t offset) const {
  for_each_piece(data, count, type, [&](char* at, int n, index_t done) {
    check_mpi(MPI_Get(at, n, type, rank, offset + done, n, type, window_), "MPI_Get");
  });
}
void WindowHandle::add(const void* data, index_t count, MPI_Datatype type, int rank,
                       index_t offset) const {
  for_each_piece(data, count, type, [&](const char* at, int n, index_t done) {
    check_mpi(MPI_Accumulate(at, n, type, rank, offset + done, n, type, MPI_SUM, window_),
              "MPI_Accumulate");
  });
}

void write_file(const Comm& comm, const std::string& path, const void* data, index_t first,
                index_t count, index_t total, MPI_Datatype type) {
  File file(comm, path, MPI_MODE_CREATE | MPI_MODE_WRONLY);
  require_file(comm, path, "opened", file.code());
  int size = 0;
  check_mpi(MPI_Type_size(type, &size), "MPI_Type_size");
  int code = MPI_File_set_size(file.get(), total * size);
  require_file(comm, path, "written", code);
  code = in_pieces(comm, const_cast<void*>(data), first, count, type,
                   [&](MPI_Offset at, char* from, int n, MPI_Status* status) {
                     return MPI_File_write_at_all(file.get(), at, from, n, type, status);
                   });
  const int closed = file.close();
  require_file(comm, path, "written", code == MPI_SUCCESS ? closed : code);
}

void read_file(const Comm& comm, const std::string& path, void* data, index_t first, index_t count,
               index_t total, MPI_Datatype type) {
  File file(comm, path, MPI_MODE_RDONLY);
  require_file(comm, path, "opened", file.code());
  int size = 0;
  check_mpi(MPI_Type_size(type, &size), "MPI_Type_size");
  MPI_Offset bytes = 0;
  const int code = MPI_File_get_size(file.get(), &bytes);
  require_file(comm, path, "read", code);
  comm.agree([&] {
    if (bytes != total * size)
      throw IoError(path, concat(path, ": has ", bytes, " bytes, the vector needs ", total * size));
  });
  require_file(comm, path, "read",
               in_pieces(comm, data, first, count, type,
                         [&](MPI_Offset at, char* to, int n, MPI_Status* status) {
                           return MPI_File_read_at_all(file.get(), at, to, n, type, status);
                         }));
}

}  // namespace kronsolve::detail
