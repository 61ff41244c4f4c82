#include "solvers/frontend/projected_map.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>
#include <kronsolve/solvers/tolerance.hpp>

namespace kronsolve::frontend {

namespace {

/// Vectors this far from orthonormal are refused: the projector would be wrong in the digits asked.
constexpr double orthonormal = 1e-10;
/// A part of A V outside V of this size (relative to the width of the spectrum) is rounding or an
/// error of the solver that found V.
constexpr double invariant = 1e-7;

}  // namespace

template <Scalar T>
ProjectedMap<T>::ProjectedMap(std::unique_ptr<LinearMap<T>> a, const DistributedVectors<T>& against)
    : LinearMap<T>(a->comm(), a->row_partition(), a->col_partition()),
      a_(std::move(a)),
      against_(&against) {}

template <Scalar T>
void ProjectedMap<T>::apply_impl(std::span<const T> x, std::span<T> y) const {
  auto inside = vec::inner<T>(this->comm(), *against_, x);
  Buffer<T> rest(vec::length(x));
  vec::copy<T>(x, rest.span());
  vec::add_combination<T>(-1, *against_, inside, rest.span());
  a_->apply(std::as_const(rest).span(), y);
  const auto back = vec::inner<T>(this->comm(), *against_, y);
  for (std::size_t j = 0; j < back.size(); ++j) inside[j] = level_ * inside[j] - back[j];
  vec::add_combination<T>(1, *against_, inside, y);
}

index_t count_against(const EighOptions& options) {
  return std::visit(
      []<class V>(const V& given) -> index_t {
        if constexpr (std::same_as<V, std::monostate>)
          return 0;
        else
          return given == nullptr ? 0 : given->count();
      },
      options.against);
}

template <Scalar T>
const DistributedVectors<T>* against(const EighOptions& options) {
  const auto* given = std::get_if<const DistributedVectors<T>*>(&options.against);
  return given == nullptr || *given == nullptr || (*given)->count() == 0 ? nullptr : *given;
}

template <Scalar T>
void check_against(const Comm& comm, const EighOptions& options, const RowPartition& partition) {
  const index_t count = count_against(options);
  if (!comm.all(count == comm.all_reduce(count, Reduce::max)))
    throw InvalidArgument(
        "eigh: the ranks give different numbers of vectors to stay orthogonal to");
  if (count == 0) return;
  const auto* v = against<T>(options);
  if (v == nullptr)
    throw InvalidArgument(
        detail::concat("eigh: the vectors to stay orthogonal to must be ",
                       to_string(scalar_kind<T>), " as the operator is, got ",
                       to_string(is_complex<T> ? ScalarKind::real : ScalarKind::complex)));
  if (!comm.all(v->partition() == partition))
    throw DimensionError(detail::concat(
        "eigh: the vectors to stay orthogonal to have ", v->partition().rows(),
        " rows or are dealt otherwise than the ", partition.rows(), " rows of the operator"));
  const auto gram = vec::inner<T>(comm, *v, *v);
  double off = 0;
  for (index_t j = 0; j < count; ++j)
    for (index_t i = 0; i < count; ++i)
      if (const double d = std::abs(gram[j * count + i] - (i == j ? T(1) : T(0))); !(d <= off))
        off = d;
  if (!(off <= orthonormal))
    throw InvalidArgument(
        detail::concat("eigh: the vectors to stay orthogonal to must be orthonormal, off by ", off,
                       "; orthonormalise them"));
}

namespace {

/// A value for the given vectors where no solver looks for pairs.
double level_away(const SpectralBounds& bounds, const EighOptions& o) {
  if (o.interval) {
    const auto [low, high] = *o.interval;
    const double size = std::max(std::abs(bounds.upper), std::abs(bounds.lower));
    const double margin = std::max(0.1 * (bounds.upper - bounds.lower), 1e-3 * size);
    if (bounds.upper > high + margin) return bounds.upper;
    if (bounds.lower < low - margin) return bounds.lower;
    return std::max(high, bounds.upper) + 2 * margin;
  }
  if (o.sigma || o.which == Which::SM) {
    const double target = o.sigma.value_or(0);
    return target - bounds.lower > bounds.upper - target ? bounds.lower : bounds.upper;
  }
  switch (o.which) {
    case Which::LA:
      return bounds.lower;
    case Which::LM:
      return 0;
    default:
      return bounds.upper;
  }
}

}  // namespace

template <Scalar T>
std::unique_ptr<LinearMap<T>> project(std::unique_ptr<LinearMap<T>> a, const EighOptions& options) {
  const auto* given = against<T>(options);
  if (given == nullptr) return a;
  // P H P has no values beyond those of H, and may be nothing but rounding.
  const auto bounds = spectral_bounds<T>(*a, {.seed = options.seed});
  auto projected = std::make_unique<ProjectedMap<T>>(std::move(a), *given);
  projected->set_level(level_away(bounds, options));
  return projected;
}

template <Scalar T>
bool is_invariant(const LinearMap<T>& a, const DistributedVectors<T>& against) {
  const Tolerance<T> tolerance(a, invariant);
  const double allowed = invariant * tolerance.width() + 8 * tolerance.rounding();
  Buffer<T> y(a.row_range().size());
  bool good = true;
  for (index_t j = 0; j < against.count(); ++j) {
    a.apply(against.column(j), y.span());
    vec::add_combination<T>(-1, against, vec::inner<T>(a.comm(), against, y.span()), y.span());
    good = good && vec::norm<T>(a.comm(), y.span()) <= allowed;
  }
  return good;
}

#define KRONSOLVE_DEFINE(T)                                                             \
  template class ProjectedMap<T>;                                                       \
  template const DistributedVectors<T>* against<T>(const EighOptions&);                 \
  template void check_against<T>(const Comm&, const EighOptions&, const RowPartition&); \
  template std::unique_ptr<LinearMap<T>> project(std::unique_ptr<LinearMap<T>>,         \
                                                 const EighOptions&);                   \
  template bool is_invariant(const LinearMap<T>&, const DistributedVectors<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)
#undef KRONSOLVE_DEFINE

}  // namespace kronsolve::frontend
