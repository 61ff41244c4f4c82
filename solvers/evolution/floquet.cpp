#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/dense.hpp>
#include <kronsolve/solvers/floquet.hpp>

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Matrix = DenseMatrix<Complex>;

/// Columns `comm.rank()`, `comm.rank() + comm.size()`, ... of U; the others stay zero.
template <Scalar T>
void evolve_columns(const Comm& comm, const TimeDependentOperator<T>& h, double period,
                    const EvolutionOptions& options,
                    const std::function<void(index_t, index_t)>& progress, Matrix& u,
                    FloquetModes& result) {
  const index_t n = u.rows();
  DistributedVectors<T> state(h.terms.at(0).map->row_partition(), 0, 1);
  for (index_t j = comm.rank(); j < n; j += comm.size()) {
    vec::set_zero<T>(state.column(0));
    state.column(0)[static_cast<std::size_t>(j)] = 1;
    Evolution<T> evolution(h, state, options);
    evolution.update_to(options.start + period);
    const auto moved = std::get<DistributedVectors<Complex>>(evolution.state()).column(0);
    std::copy(moved.begin(), moved.end(), u.column(j));
    result.error = std::max(result.error, evolution.error());
    result.unitarity = std::max(result.unitarity, evolution.norm_drift());
    result.products += evolution.products();
    result.steps += evolution.steps();
    if (comm.is_root() && progress) progress(std::min(j + comm.size(), n), n);
  }
}

/// Eigenvectors of a unitary matrix and the phases of its eigenvalues.
void diagonalise(const Matrix& u, FloquetModes& result) {
  const index_t n = u.rows();
  const SchurForm form = schur(u);
  std::vector<double> energies;
  for (index_t i = 0; i < n; ++i) {
    const double phase = -std::arg(form.t(i, i));
    energies.push_back((phase == -std::numbers::pi ? std::numbers::pi : phase) / result.period);
  }
  std::vector<index_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), index_t{0});
  std::stable_sort(order.begin(), order.end(), [&](index_t a, index_t b) {
    return energies[static_cast<std::size_t>(a)] < energies[static_cast<std::size_t>(b)];
  });
  result.modes = Matrix(n, n);
  for (index_t j = 0; j < n; ++j) {
    const index_t from = order[static_cast<std::size_t>(j)];
    std::copy_n(form.q.column(from), n, result.modes.column(j));
    result.quasi_energies.push_back(energies[static_cast<std::size_t>(from)]);
  }
  const Matrix moved = multiply(u, result.modes);
  for (index_t j = 0; j < n; ++j) {
    const Complex turn =
        std::polar(1.0, -result.quasi_energies[static_cast<std::size_t>(j)] * result.period);
    double sum = 0;
    for (index_t i = 0; i < n; ++i) sum += std::norm(moved(i, j) - turn * result.modes(i, j));
    result.residuals.push_back(std::sqrt(sum));
  }
}

}  // namespace

template <Scalar T>
FloquetModes floquet_modes(const Comm& comm, const TimeDependentOperator<T>& h, double period,
                           const EvolutionOptions& options,
                           const std::function<void(index_t, index_t)>& progress) {
  if (!(period > 0) || !std::isfinite(period))
    throw InvalidArgument(detail::concat("floquet: a period is positive and finite, got ", period));
  if (h.terms.empty() || h.terms[0].map == nullptr)
    throw InvalidArgument("floquet: the operator has no terms");
  const index_t n = h.terms[0].map->rows();
  require_memory(comm,
                 checked_multiply(checked_multiply(n, n, "entries of a dense matrix"),
                                  5 * static_cast<index_t>(sizeof(Complex)), "bytes of matrices"),
                 "floquet");
  FloquetModes result{.period = period};
  Matrix u(n, n);
  comm.agree([&] { evolve_columns(comm, h, period, options, progress, u, result); });
  comm.all_reduce(std::span(u.data(), static_cast<std::size_t>(n * n)));
  result.error = comm.all_reduce(result.error, Reduce::max);
  result.unitarity = comm.all_reduce(result.unitarity, Reduce::max);
  result.products = comm.all_reduce(result.products);
  result.steps = comm.all_reduce(result.steps);
  result.converged = result.error <= options.tol;
  comm.agree([&] { diagonalise(u, result); });
  return result;
}

template FloquetModes floquet_modes(const Comm&, const TimeDependentOperator<double>&, double,
                                    const EvolutionOptions&,
                                    const std::function<void(index_t, index_t)>&);
template FloquetModes floquet_modes(const Comm&, const TimeDependentOperator<Complex>&, double,
                                    const EvolutionOptions&,
                                    const std::function<void(index_t, index_t)>&);

}  // namespace kronsolve
