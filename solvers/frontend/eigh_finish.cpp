#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/assembled_map.hpp>

#include "solvers/frontend/eigh_problem.hpp"
#include "solvers/krylov/vector_kernels.hpp"

namespace kronsolve::frontend {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Components this close to the largest modulus count as largest: rounding must not pick another
/// one on another rank count.
constexpr double phase_tie = 1e-8;

struct Pair {
  double value, residual;
};

/// Rayleigh quotient and |Hx - lx| / |x| with one product into y. Scales x to norm 1: what has not
/// converged may come with another one.
template <Scalar T>
Pair measure(const LinearMap<T>& map, std::span<T> x, std::span<T> y) {
  map.apply(x, y);
  const auto rows = static_cast<index_t>(x.size());
  std::array<double, 2> sums{};
  double overlap = 0, norm = 0;
#pragma omp parallel for schedule(static) reduction(+ : overlap, norm)
  for (index_t i = 0; i < rows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    overlap += real_part(conj(x[at]) * y[at]);
    norm += norm_squared(x[at]);
  }
  sums = {overlap, norm};
  map.comm().all_reduce(std::span<double>(sums));
  const double value = sums[0] / sums[1];
  double square = 0;
#pragma omp parallel for schedule(static) reduction(+ : square)
  for (index_t i = 0; i < rows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    square += norm_squared(y[at] - value * x[at]);
  }
  constexpr double rounding = 1e-10;
  if (sums[1] > 0 && std::abs(sums[1] - 1) > rounding) krylov::scale<T>(1 / std::sqrt(sums[1]), x);
  return {value, std::sqrt(map.comm().all_reduce(square) / sums[1])};
}

}  // namespace

Stopwatch::Stopwatch() : began_(now()) {}
double Stopwatch::seconds() const { return now() - began_; }

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>& problem, OperatorForm form) {
  if (form == OperatorForm::matrix_free) return problem.matrix_free();
  return std::make_unique<AssembledMap<T>>(*problem.comm, problem.rows, problem.partition);
}

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>& problem, OperatorForm form,
                                       const EighOptions& options) {
  return project(make_map(problem, form), options);
}

template <Scalar T>
void fix_phases(const Comm& comm, DistributedVectors<T>& vectors) {
  for (index_t j = 0; j < vectors.count(); ++j) {
    const auto x = vectors.column(j);
    double largest = 0;
    for (const T& v : x) largest = std::max(largest, norm_squared(v));
    largest = comm.all_reduce(largest, Reduce::max);
    const double enough = largest * (1 - phase_tie) * (1 - phase_tie);
    const auto at =
        std::find_if(x.begin(), x.end(), [&](const T& v) { return norm_squared(v) >= enough; });
    const int owner = comm.all_reduce(at != x.end() ? comm.rank() : comm.size(), Reduce::min);
    if (owner == comm.size()) continue;
    T component = comm.rank() == owner ? *at : T{};
    comm.broadcast(std::span<T>(&component, 1), owner);
    if (!(largest > 0)) continue;
    const T phase = conj(component) / std::abs(component);
    for (T& v : x) v *= phase;
  }
}

template <Scalar T>
void finish_pairs(const LinearMap<T>& map, DistributedVectors<T>& vectors, EighResult& result) {
  Buffer<T> product(map.row_range().size());
  result.eigenvalues.clear();
  result.residuals.clear();
  for (index_t j = 0; j < vectors.count(); ++j) {
    const Pair pair = measure<T>(map, vectors.column(j), product.span());
    result.eigenvalues.push_back(pair.value);
    result.residuals.push_back(pair.residual);
    // Rounding may swap neighbours of a cluster.
    for (auto i = static_cast<std::size_t>(j);
         i > 0 && result.eigenvalues[i] < result.eigenvalues[i - 1]; --i) {
      std::swap(result.eigenvalues[i], result.eigenvalues[i - 1]);
      std::swap(result.residuals[i], result.residuals[i - 1]);
      const auto a = vectors.column(static_cast<index_t>(i)),
                 b = vectors.column(static_cast<index_t>(i) - 1);
      std::swap_ranges(a.begin(), a.end(), b.begin());
    }
  }
  fix_phases(map.comm(), vectors);
}

std::vector<index_t> select(std::span<const double> ascending, Which which,
                            std::optional<double> sigma, index_t k) {
  std::vector<index_t> order(ascending.size());
  std::iota(order.begin(), order.end(), index_t{0});
  const auto value = [&](index_t i) { return ascending[static_cast<std::size_t>(i)]; };
  const auto by = [&](auto key) {
    std::stable_sort(order.begin(), order.end(),
                     [&](index_t a, index_t b) { return key(a) < key(b); });
  };
  switch (which) {
    case Which::SA:
      break;
    case Which::LA:
      std::reverse(order.begin(), order.end());
      break;
    case Which::LM:
      by([&](index_t i) { return -std::abs(value(i)); });
      break;
    case Which::SM:
      by([&](index_t i) { return std::abs(value(i)); });
      break;
    case Which::TM:
    case Which::TR:
      by([&](index_t i) { return std::abs(value(i) - sigma.value_or(0)); });
      break;
  }
  order.resize(static_cast<std::size_t>(std::min<index_t>(k, static_cast<index_t>(order.size()))));
  std::sort(order.begin(), order.end());
  return order;
}

void judge(EighResult& result, const EighOptions& options, index_t wanted) {
  result.converged_pairs = 0;
  for (std::size_t i = 0; i < result.eigenvalues.size(); ++i)
    if (result.residuals[i] <= options.tol * std::max(1.0, std::abs(result.eigenvalues[i])))
      ++result.converged_pairs;
  result.converged =
      result.converged_pairs == wanted && static_cast<index_t>(result.eigenvalues.size()) == wanted;
}

#define KRONSOLVE_DEFINE(T)                                                             \
  template std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>&, OperatorForm); \
  template std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>&, OperatorForm,  \
                                                  const EighOptions&);                  \
  template void finish_pairs(const LinearMap<T>&, DistributedVectors<T>&, EighResult&); \
  template void fix_phases(const Comm&, DistributedVectors<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::frontend
