#include <kronsolve/exec/errors.hpp>
#include <kronsolve/exec/this_worker.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/serialize.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/session/kept_vector.hpp>

namespace kronsolve {

namespace detail {

VectorHome::VectorHome(std::shared_ptr<const VectorSet> here)
    : here_(std::move(here)), ranks_(here_->comm->size()) {}

VectorHome::~VectorHome() {
  const auto pool = pool_.lock();
  if (here_ || !pool) return;
  // To each worker by itself: no gang has to wait for all of them to be idle.
  try {
    for (int w = 0; w < workers_; ++w) {
      auto spec =
          make_task(kept([](std::uint64_t id) { require_worker_context().by_id.erase(id); }), id_);
      spec.options = {.label = "release vectors", .retries = 0, .worker = w};
      (void)pool->submit(std::move(spec));
    }
  } catch (const std::exception&) {
    // A pool that is shut down or broken holds nothing any more.
  }
}

bool VectorHome::same_place(const VectorHome& other) const noexcept {
  if (here_ || other.here_) return here_ && other.here_ && here_->comm == other.here_->comm;
  return pool_.lock() == other.pool_.lock() && ranks_ == other.ranks_;
}

std::shared_ptr<Backend> VectorHome::open_pool() const {
  if (this_worker::is_task())
    throw InvalidArgument("kept vector: a task cannot use it; ask for measures where main runs");
  auto pool = pool_.lock();
  if (!pool)
    throw InvalidArgument("kept vector: the pool that held it is gone; its session must live");
  return pool;
}

void VectorHome::throw_lost() const {
  throw WorkerDied(
      "kept vector: it is not in the workers any more: one that held a part of it died, or its "
      "pool was started anew; solve again",
      -1, "", 0);
}

const VectorSet* find_vectors(std::uint64_t id) {
  const auto& kept = require_worker_context().by_id;
  const auto found = kept.find(id);
  return found == kept.end() ? nullptr : static_cast<const VectorSet*>(found->second.get());
}

void keep_vectors(std::uint64_t id, std::shared_ptr<VectorSet> set) {
  require_worker_context().by_id[id] = std::move(set);
}

void require_sites(const VectorSet& set, const char* what) {
  if (!set.basis)
    throw NotSupported(concat(what,
                              ": this vector belongs to rows of the user, which have no sites; "
                              "norm, overlap and gather work"));
}

namespace {

std::complex<double> overlap_of(const VectorSet& a, index_t i, const VectorSet& b, index_t j) {
  return std::visit(
      [&]<Scalar T, Scalar U>(const DistributedVectors<T>& x,
                              const DistributedVectors<U>& y) -> std::complex<double> {
        if (!(x.partition() == y.partition()))
          throw DimensionError(concat("overlap: the vectors have ", x.partition().rows(), " and ",
                                      y.partition().rows(),
                                      " entries, or are dealt to their ranks in different ways"));
        const auto left = x.column(i);
        const auto right = y.column(j);
        [[maybe_unused]] const auto mixed = [&](std::span<const std::complex<double>> z,
                                                std::span<const double> v) -> std::complex<double> {
          Buffer<double> re(vec::length(z)), im(vec::length(z));
          vec::split(z, re.span(), im.span());
          return {vec::dot<double>(*a.comm, v, re.span()), vec::dot<double>(*a.comm, v, im.span())};
        };
        if constexpr (std::same_as<T, U>)
          return vec::dot<T>(*a.comm, left, right);
        else if constexpr (is_complex<T>)
          return std::conj(mixed(left, right));
        else
          return mixed(right, left);
      },
      a.vectors, b.vectors);
}

struct OverlapKept {
  std::optional<std::complex<double>> operator()(const Comm& gang, const VectorId& id, int ranks,
                                                 const VectorId& other) const {
    const VectorSet* a = find_vectors(id.set);
    const VectorSet* b = find_vectors(other.set);
    return run_where_kept<std::complex<double>>(
        gang, a && b ? a : nullptr, ranks,
        [&](const VectorSet& set) { return overlap_of(set, id.column, *b, other.column); });
  }
};

struct GatherKept {
  std::optional<KeptVector::Values> operator()(const Comm& gang, const VectorId& id,
                                               int ranks) const {
    return run_where_kept<KeptVector::Values>(
        gang, find_vectors(id.set), ranks, [&](const VectorSet& set) {
          return std::visit(
              [&](const auto& v) {
                return KeptVector::Values(v.gather_to_root(*set.comm, id.column));
              },
              set.vectors);
        });
  }
};

}  // namespace
}  // namespace detail

std::complex<double> KeptVector::expectation(const OpSum& op) const {
  return measure([](const auto& psi, const OpSum& o) { return kronsolve::expectation(psi, o); },
                 op);
}

std::vector<std::complex<double>> KeptVector::expectations(const std::vector<OpSum>& ops) const {
  return measure(
      [](const auto& psi, const std::vector<OpSum>& o) {
        return kronsolve::expectations(psi, std::span<const OpSum>(o));
      },
      ops);
}

double KeptVector::variance(const OpSum& op) const {
  return measure([](const auto& psi, const OpSum& o) { return kronsolve::variance(psi, o); }, op);
}

std::vector<std::complex<double>> KeptVector::site_profile(const std::string& op) const {
  return measure(
      [](const auto& psi, const std::string& o) { return kronsolve::site_profile(psi, o); }, op);
}

std::vector<std::complex<double>> KeptVector::correlation_matrix(const std::string& a,
                                                                 const std::string& b) const {
  return measure([](const auto& psi, const std::string& x,
                    const std::string& y) { return kronsolve::correlation_matrix(psi, x, y); },
                 a, b);
}

double KeptVector::entanglement_entropy(const std::vector<int>& sites,
                                        const EntropyOptions& options) const {
  return measure(
      [](const auto& psi, const std::vector<int>& s, double alpha, EntropyUnit unit) {
        return kronsolve::entanglement_entropy(psi, s, {alpha, unit});
      },
      sites, options.alpha, options.unit);
}

std::vector<double> KeptVector::schmidt_values(const std::vector<int>& sites) const {
  return measure(
      [](const auto& psi, const std::vector<int>& s) { return kronsolve::schmidt_values(psi, s); },
      sites);
}

std::complex<double> KeptVector::overlap(const KeptVector& other) const {
  if (!home_->same_place(*other.home_))
    throw InvalidArgument(
        "overlap: the two vectors are kept in different places; solve both with the same workers, "
        "or gather them");
  if (const auto* set = home_->here())
    return detail::overlap_of(*set, column_, *other.home_->here(), other.column_);
  return run<std::complex<double>>(detail::OverlapKept{}, other.id());
}

double KeptVector::norm() const { return std::sqrt(overlap(*this).real()); }

KeptVector::Values KeptVector::gather() const {
  if (const auto* set = home_->here())
    return std::visit([&](const auto& v) { return Values(v.gather_to_all(*set->comm, column_)); },
                      set->vectors);
  return run<Values>(detail::GatherKept{});
}

}  // namespace kronsolve
