#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <unistd.h>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/comm_points.hpp>
#include <kronsolve/core/failure.hpp>

#include "core/launch_variables.hpp"
#include "core/pieces.hpp"

namespace kronsolve {

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw MpiError(code, detail::concat(call, ": ", std::string(text.data(), std::size_t(length))));
}

// ---- Environment -------------------------------------------------------------------------------

namespace {

bool mpi_initialized() noexcept {
  int flag = 0;
  MPI_Initialized(&flag);
  return flag != 0;
}

bool mpi_finalized() noexcept {
  int flag = 0;
  MPI_Finalized(&flag);
  return flag != 0;
}

/// The process in which MPI was started here; 0: it was not, and others end it. A process that was
/// forked off cannot end MPI.
std::atomic<pid_t> mpi_process{0};

bool same_number(const char* a, const char* b) {
  const char* x = std::getenv(a);
  const char* y = std::getenv(b);
  return x != nullptr && y != nullptr && std::string_view(x) == y;
}

/// True if all ranks of this job run on this machine, as far as the launcher tells.
bool one_machine() {
  if (!launched_by_mpi()) return true;
  const char* nodes = std::getenv("SLURM_STEP_NUM_NODES");
  return same_number("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE") ||
         (nodes != nullptr && std::string_view(nodes) == "1");
}

/// A choice of Open MPI's, made while MPI starts unless the user has made it. What this process
/// starts later is not told.
class MpiChoice {
 public:
  MpiChoice(const char* name, const char* value) : name_(name) {
    mine_ = std::getenv(name) == nullptr && ::setenv(name, value, 0) == 0;
  }
  ~MpiChoice() {
    if (mine_) ::unsetenv(name_);
  }
  MpiChoice(const MpiChoice&) = delete;
  MpiChoice& operator=(const MpiChoice&) = delete;

 private:
  const char* name_;
  bool mine_ = false;
};

/// Starts MPI; true if this call did it.
bool start_mpi() {
  if (mpi_initialized()) return false;
  // Where nobody else takes part nothing has to listen: Open MPI's sockets take connections from
  // everywhere, also if they are given one interface.
  std::optional<MpiChoice> no_sockets, no_daemon;
  if (one_machine()) no_sockets.emplace("OMPI_MCA_btl", "self,vader");
  if (!launched_by_mpi()) no_daemon.emplace("OMPI_MCA_ess_singleton_isolated", "1");
  int provided = 0;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_SERIALIZED)
    throw MpiError(MPI_ERR_OTHER,
                   "this MPI grants no thread level above FUNNELED; kronsolve needs SERIALIZED");
  mpi_process = ::getpid();
  return true;
}

void end_mpi() noexcept {
  if (mpi_process != ::getpid()) return;
  if (mpi_initialized() && !mpi_finalized()) MPI_Finalize();
}

}  // namespace

bool launched_by_mpi() noexcept {
  // PMIX_RANK appears after MPI_Init in any process, so this is asked before.
  static const bool launched = [] {
    for (const char* name : detail::launch_variables)
      if (std::getenv(name) != nullptr) return true;
    return false;
  }();
  return launched;
}

Environment::Environment() {
  (void)launched_by_mpi();
  if (start_mpi()) std::atexit(end_mpi);
}

Environment::~Environment() { end_mpi(); }

bool Environment::running() noexcept { return mpi_initialized() && !mpi_finalized(); }

void Environment::ensure() {
  (void)launched_by_mpi();
  if (mpi_finalized())
    throw MpiError(MPI_ERR_OTHER, "MPI has already ended in this process and cannot start again");
  if (start_mpi()) std::atexit(end_mpi);
}

int Environment::thread_level() noexcept {
  int level = MPI_THREAD_SINGLE;
  if (running()) MPI_Query_thread(&level);
  return level;
}

void Environment::abort(int status) noexcept {
  if (running()) MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

// ---- Comm --------------------------------------------------------------------------------------

Comm::Comm() = default;
Comm Comm::serial() { return Comm(); }

Comm Comm::world() {
  Environment::ensure();
  return Comm(MPI_COMM_WORLD);
}

Comm::Comm(MPI_Comm raw) {
  check_mpi(MPI_Comm_dup(raw, &raw_), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(raw_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(raw_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(raw_, &size_), "MPI_Comm_size");
}

Comm::Comm(Comm&& other) noexcept
    : raw_(std::exchange(other.raw_, MPI_COMM_NULL)),
      rank_(std::exchange(other.rank_, 0)),
      size_(std::exchange(other.size_, 1)) {}

Comm& Comm::operator=(Comm&& other) noexcept {
  std::swap(raw_, other.raw_);
  std::swap(rank_, other.rank_);
  std::swap(size_, other.size_);
  return *this;
}

Comm::~Comm() {
  if (raw_ != MPI_COMM_NULL && Environment::running()) MPI_Comm_free(&raw_);
}

MPI_Comm Comm::handle() const {
  if (raw_ != MPI_COMM_NULL) return raw_;
  Environment::ensure();
  // An error on MPI_COMM_SELF itself would end the process.
  static const MPI_Comm self = [] {
    MPI_Comm made = MPI_COMM_NULL;
    check_mpi(MPI_Comm_dup(MPI_COMM_SELF, &made), "MPI_Comm_dup");
    check_mpi(MPI_Comm_set_errhandler(made, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    return made;
  }();
  return self;
}

Comm Comm::duplicate() const { return raw_ == MPI_COMM_NULL ? Comm() : Comm(raw_); }

Comm Comm::split(int color, int key) const {
  if (raw_ == MPI_COMM_NULL) return Comm();
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(raw_, color < 0 ? MPI_UNDEFINED : color, key, &part), "MPI_Comm_split");
  if (part == MPI_COMM_NULL) return Comm();
  Comm result(part);
  MPI_Comm_free(&part);
  return result;
}

Comm Comm::group(std::span<const int> ranks, int tag) const {
  std::vector<int> sorted(ranks.begin(), ranks.end());
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty() || sorted.front() < 0 || sorted.back() >= size_ ||
      std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    throw InvalidArgument(detail::concat("Comm::group: ranks must differ and lie in [0, ",
                                         size_ - 1, "], at least one"));
  if (raw_ == MPI_COMM_NULL) return Comm();
  MPI_Group all = MPI_GROUP_NULL, some = MPI_GROUP_NULL;
  check_mpi(MPI_Comm_group(raw_, &all), "MPI_Comm_group");
  check_mpi(MPI_Group_incl(all, static_cast<int>(ranks.size()), ranks.data(), &some),
            "MPI_Group_incl");
  MPI_Comm made = MPI_COMM_NULL;
  const int code = MPI_Comm_create_group(raw_, some, tag, &made);
  MPI_Group_free(&some);
  MPI_Group_free(&all);
  check_mpi(code, "MPI_Comm_create_group");
  if (made == MPI_COMM_NULL) return Comm();
  Comm result(made);
  MPI_Comm_free(&made);
  return result;
}

void Comm::barrier() const {
  if (size_ > 1) check_mpi(MPI_Barrier(raw_), "MPI_Barrier");
}

index_t Comm::exclusive_sum(index_t value) const {
  if (size_ == 1) return 0;
  index_t before = 0;
  check_mpi(MPI_Exscan(&value, &before, 1, MPI_INT64_T, MPI_SUM, raw_), "MPI_Exscan");
  return rank_ == 0 ? 0 : before;
}

std::string Comm::broadcast(std::string text, int root) const {
  if (size_ == 1) return text;
  auto length = static_cast<index_t>(text.size());
  broadcast(std::span(&length, 1), root);
  text.resize(static_cast<std::size_t>(length));
  broadcast(std::span(text.data(), text.size()), root);
  return text;
}

bool Comm::all(bool ok) const { return all_reduce(ok ? 1 : 0, Reduce::min) == 1; }

void Comm::require_all(bool ok, std::string_view text) const {
  const int first = all_reduce(ok ? size_ : rank_, Reduce::min);
  if (first == size_) return;
  throw InvalidArgument(broadcast(std::string(text), first));
}

void Comm::agree(const std::function<void()>& f) const {
  if (size_ == 1) return f();
  Failure failure;
  try {
    f();
  } catch (...) {
    failure = Failure::current();
  }
  const int first = all_reduce(failure ? rank_ : size_, Reduce::min);
  if (first == size_) return;
  std::array<int, 2> facts = {static_cast<int>(failure.kind), failure.code};
  broadcast(std::span<int>(facts), first);
  failure.text = broadcast(failure.text, first);
  failure.path = broadcast(failure.path, first);
  failure.kind = static_cast<Failure::Kind>(facts[0]);
  failure.code = facts[1];
  failure.rethrow();
}

// ---- counts above 2^31 -------------------------------------------------------------------------

namespace detail {

MPI_Op operation(Reduce op) {
  switch (op) {
    case Reduce::sum:
      return MPI_SUM;
    case Reduce::product:
      return MPI_PROD;
    case Reduce::min:
      return MPI_MIN;
    case Reduce::max:
      return MPI_MAX;
    case Reduce::logical_and:
      return MPI_LAND;
    case Reduce::logical_or:
      return MPI_LOR;
    case Reduce::bit_and:
      return MPI_BAND;
    case Reduce::bit_or:
      return MPI_BOR;
    case Reduce::bit_xor:
      return MPI_BXOR;
  }
  throw InvalidArgument("reduce: unknown operation");
}

void check_reduce(Reduce op, bool whole, bool ordered) {
  if (!whole && op >= Reduce::logical_and)
    throw InvalidArgument("reduce: logical and bitwise operations need whole numbers");
  if (!ordered && (op == Reduce::min || op == Reduce::max))
    throw InvalidArgument("reduce: complex numbers have no smallest or largest one");
}

void all_reduce(const Comm& comm, void* values, index_t count, MPI_Datatype type, Reduce op) {
  for_each_piece(values, count, type, [&](char* at, int n, index_t) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, at, n, type, operation(op), comm.handle()),
              "MPI_Allreduce");
  });
}

void broadcast(const Comm& comm, void* values, index_t count, MPI_Datatype type, int root) {
  for_each_piece(values, count, type, [&](char* at, int n, index_t) {
    check_mpi(MPI_Bcast(at, n, type, root, comm.handle()), "MPI_Bcast");
  });
}

namespace {

/// The messages of one exchange; empty ones are not sent.
class Transfers {
 public:
  Transfers(const Comm& comm, MPI_Datatype type) : comm_(comm), type_(type) {}
  void add(Transfer::Kind kind, const void* data, index_t count, std::size_t other) {
    if (count > 0)
      all_.emplace_back(comm_, kind, const_cast<void*>(data), count, type_, static_cast<int>(other),
                        collective_tag);
  }
  void wait() {
    for (Transfer& t : all_) t.wait();
  }

 private:
  const Comm& comm_;
  MPI_Datatype type_;
  std::vector<Transfer> all_;
};

}  // namespace

void gather_v(const Comm& comm, const void* mine, index_t count, void* all,
              std::span<const index_t> counts, MPI_Datatype type, int root) {
  Transfers transfers(comm, type);
  if (comm.rank() == root) {
    int size = 0;
    check_mpi(MPI_Type_size(type, &size), "MPI_Type_size");
    auto* at = static_cast<char*>(all);
    for (std::size_t r = 0; r < counts.size(); at += counts[r++] * size)
      transfers.add(Transfer::Kind::receive, at, counts[r], r);
  }
  transfers.add(Transfer::Kind::send, mine, count, static_cast<std::size_t>(root));
  transfers.wait();
}

void all_to_all_v(const Comm& comm, std::span<const void* const> send,
                  std::span<const index_t> send_counts, std::span<void* const> receive,
                  std::span<const index_t> receive_counts, MPI_Datatype type) {
  Transfers transfers(comm, type);
  for (std::size_t r = 0; r < receive.size(); ++r)
    transfers.add(Transfer::Kind::receive, receive[r], receive_counts[r], r);
  for (std::size_t r = 0; r < send.size(); ++r)
    transfers.add(Transfer::Kind::send, send[r], send_counts[r], r);
  transfers.wait();
}

}  // namespace detail

}  // namespace kronsolve
