#pragma once

#include <algorithm>
#include <complex>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <kronsolve/core/comm_objects.hpp>
#include <kronsolve/exec/future.hpp>
#include <kronsolve/exec/task_code.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/state_view.hpp>
#include <kronsolve/solvers/evolution.hpp>

namespace kronsolve {

namespace detail {

/// Vectors of one solve as one of the ranks that hold them sees them.
struct VectorSet {
  std::shared_ptr<const Comm> comm;    ///< the ranks that hold the vectors
  std::shared_ptr<const Basis> basis;  ///< null: rows of the user
  EvolutionState vectors;
};

/// Names a vector in a worker.
struct VectorId {
  std::uint64_t set = 0;
  index_t column = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(set, column);
  }
};

/// Where a set of vectors is: in this process, or in the workers of a pool. Its end releases them.
class KRONSOLVE_EXPORT VectorHome {
 public:
  /// In this process (syncro mode: on all ranks).
  explicit VectorHome(std::shared_ptr<const VectorSet> here);
  /// In `ranks` of the workers of a pool.
  VectorHome(std::weak_ptr<Backend> pool, int workers, int ranks, std::uint64_t id)
      : pool_(std::move(pool)), workers_(workers), ranks_(ranks), id_(id) {}
  ~VectorHome();
  VectorHome(const VectorHome&) = delete;
  VectorHome& operator=(const VectorHome&) = delete;

  const VectorSet* here() const noexcept { return here_.get(); }
  int ranks() const noexcept { return ranks_; }
  int workers() const noexcept { return workers_; }
  std::uint64_t id() const noexcept { return id_; }
  bool same_place(const VectorHome& other) const noexcept;
  /// @throws InvalidArgument  inside a task; the pool or the session is gone
  std::shared_ptr<Backend> open_pool() const;
  [[noreturn]] void throw_lost() const;

 private:
  std::shared_ptr<const VectorSet> here_;
  std::weak_ptr<Backend> pool_;
  int workers_ = 1, ranks_ = 1;
  std::uint64_t id_ = 0;
};

/// The set of that number which this worker holds, if any.
KRONSOLVE_EXPORT const VectorSet* find_vectors(std::uint64_t id);
/// Keeps a set in this worker.
KRONSOLVE_EXPORT void keep_vectors(std::uint64_t id, std::shared_ptr<VectorSet> set);
KRONSOLVE_EXPORT void require_sites(const VectorSet& set, const char* what);

/// Runs `f()` on the ranks of a gang that hold a set which `ranks` ranks should hold, and gives
/// what it gave on the first of them to rank 0; nothing if they do not. Collective on the gang.
template <class R, class F>
std::optional<R> run_where_kept(const Comm& gang, const VectorSet* set, int ranks, F&& f) {
  std::optional<R> result;
  const int holders = gang.all_reduce(set != nullptr ? 1 : 0);
  if (holders != ranks) return result;
  gang.agree([&] {
    if (set != nullptr) result = f(*set);
  });
  const int first = gang.all_reduce(set != nullptr ? gang.rank() : gang.size(), Reduce::min);
  if (first != 0) {
    if (gang.rank() == first) send_object(gang, result, 0);
    if (gang.rank() == 0) result = receive_object<std::optional<R>>(gang, first);
  }
  if (gang.rank() != 0) result.reset();
  return result;
}

template <class F, class... Args>
using OnView =
    std::decay_t<std::invoke_result_t<F&, const StateView<double>&, const std::decay_t<Args>&...>>;

template <class F, class... Args>
OnView<F, Args...> measure_here(const VectorSet& set, index_t column, F f, const Args&... args) {
  return std::visit(
      [&]<Scalar T>(const DistributedVectors<T>& vectors) {
        return OnView<F, Args...>(
            f(StateView<T>(*set.comm, *set.basis, vectors.column(column)), args...));
      },
      set.vectors);
}

/// The task of all workers of a pool: `F` where the vector is.
template <class F>
struct MeasureKept {
  template <class... Args>
  auto operator()(const Comm& gang, const VectorId& id, int ranks, const Args&... args) const {
    using R = OnView<F, Args...>;
    return run_where_kept<R>(gang, find_vectors(id.set), ranks, [&](const VectorSet& set) {
      require_sites(set, "measure");
      return measure_here(set, id.column, F{}, args...);
    });
  }
};

}  // namespace detail

/// A vector that stays where a solve left it (`Gather::keep`): in the workers of a pool, on all
/// ranks in syncro mode, else in this process. Measures of it run there, and only their values
/// travel. Copies refer to the same vectors; the end of the last one releases them. To be used
/// while the session lives, outside tasks; in syncro mode all calls are collective.
///
/// All throw WorkerDied if a worker that held a part of it is gone, and InvalidArgument if its pool
/// was shut down.
class KRONSOLVE_EXPORT KeptVector {
 public:
  /// All amplitudes, real or complex.
  using Values = std::variant<std::vector<double>, std::vector<std::complex<double>>>;

  /// Used by Session.
  KeptVector(std::shared_ptr<const detail::VectorHome> home, index_t column, index_t size,
             ScalarKind scalar)
      : home_(std::move(home)), column_(column), size_(size), scalar_(scalar) {}

  index_t size() const noexcept { return size_; }         ///< amplitudes of the whole vector
  ScalarKind scalar() const noexcept { return scalar_; }  ///< type of the amplitudes
  int ranks() const noexcept { return home_->ranks(); }   ///< that hold it

  /// f(psi, args...) where the vector is, psi a `const StateView<T>&` on the ranks that hold it: T
  /// is double or complex, so f is a generic lambda without captures. Its value, the same on every
  /// rank, comes back.
  ///
  ///     kept.measure([](const auto& psi, const OpSum& op) { return expectation(psi, op); }, op)
  ///
  /// @throws NotSupported  the vector belongs to rows of the user, which have no sites
  template <class F, class... Args>
  auto measure(F f, const Args&... args) const {
    static_assert(detail::is_stateless<F>,
                  "kronsolve: what is measured must be a lambda that captures nothing, generic in "
                  "the view of the state (const auto& psi); pass what it needs as arguments");
    using R = detail::OnView<F, Args...>;
    if (const detail::VectorSet* set = home_->here()) {
      detail::require_sites(*set, "measure");
      return detail::measure_here(*set, column_, f, args...);
    } else {
      return run<R>(detail::MeasureKept<F>{}, args...);
    }
  }

  /// <psi|op|psi> / <psi|psi> where the vector is, as the function of that name.
  /// @throws NotSupported  the vector belongs to rows of the user
  std::complex<double> expectation(const OpSum& op) const;
  /// The same of several operators, in their order, in one trip.
  std::vector<std::complex<double>> expectations(const std::vector<OpSum>& ops) const;
  /// <op^2> - <op>^2, as the function of that name.
  double variance(const OpSum& op) const;
  /// <op_i> of a local operator ("Sz") on each site.
  std::vector<std::complex<double>> site_profile(const std::string& op) const;
  /// <a_i b_j> for each pair of sites, row-major.
  std::vector<std::complex<double>> correlation_matrix(const std::string& a,
                                                       const std::string& b) const;
  /// Entropy of the sites against the rest, in nats unless asked in bits.
  double entanglement_entropy(const std::vector<int>& sites,
                              const EntropyOptions& options = {}) const;
  /// Schmidt values of the cut between the sites and the rest, descending.
  std::vector<double> schmidt_values(const std::vector<int>& sites) const;

  double norm() const;  ///< 2-norm; also of vectors without sites
  /// <this|other>; both kept in the same place.
  /// @throws InvalidArgument  they are in different places
  /// @throws DimensionError   they differ in length or distribution
  std::complex<double> overlap(const KeptVector& other) const;
  /// The whole vector, moved to where main runs (syncro: to every rank).
  Values gather() const;

  /// Where it is; for what runs there.
  const detail::VectorHome& home() const noexcept { return *home_; }
  /// Which one it is there.
  detail::VectorId id() const noexcept { return {home_->id(), column_}; }

 private:
  template <class R, class Task, class... Args>
  R run(Task task, const Args&... args) const {
    auto spec =
        detail::make_gang(home_->workers(), detail::kept(task), id(), home_->ranks(), args...);
    spec.options = {.label = "measure", .retries = 0};
    Future<std::optional<R>> future(home_->open_pool()->submit(std::move(spec)));
    auto result = std::move(future).get();
    if (!result) home_->throw_lost();
    return *std::move(result);
  }

  std::shared_ptr<const detail::VectorHome> home_;
  index_t column_ = 0, size_ = 0;
  ScalarKind scalar_ = ScalarKind::real;
};

}  // namespace kronsolve
