#include <algorithm>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/measure/expectation.hpp>

#include "operators/vectors/compensated.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

OpSum single(const Basis& basis, std::vector<OpFactor> factors) {
  OpSum op(basis.spaces());
  op.add(1, std::move(factors));
  return op;
}

/// Values of a diagonal real operator by site and digit; empty if it is not that everywhere.
std::vector<std::vector<double>> diagonal_values(const Basis& basis, const std::string& op) {
  std::vector<std::vector<double>> values;
  for (const auto& space : basis.spaces()) {
    const auto matrix = space.find(op);
    if (!matrix || !matrix->is_diagonal() || !matrix->is_real()) return {};
    values.emplace_back();
    for (int digit = 0; digit < space.dim(); ++digit)
      values.back().push_back((*matrix)(digit, digit).real());
  }
  return values;
}

/// Diagonal operators: sum over rows of |psi|^2 a_i b_j, no row but the owned ones.
template <Scalar T>
std::vector<double> diagonal_correlations(const StateView<T>& psi,
                                          const std::vector<std::vector<double>>& a,
                                          const std::vector<std::vector<double>>& b) {
  const Basis& basis = psi.basis();
  const DigitCode& code = basis.code();
  const auto n = static_cast<std::size_t>(basis.sites());
  const RowRange mine = psi.partition().range(psi.comm().rank());
  std::vector<double> total(n * n, 0.0);
#pragma omp parallel num_threads(num_threads())
  {
    constexpr index_t block = 256;  // what is added up before it joins the sum of the others
    std::vector<vec::Compensated<double>> sum(n * n);
    std::vector<double> part(n * n), left(n), right(n);
#pragma omp for schedule(static)
    for (index_t begin = 0; begin < mine.size(); begin += block) {
      std::fill(part.begin(), part.end(), 0.0);
      for (index_t i = begin; i < std::min(mine.size(), begin + block); ++i) {
        const double weight = norm_squared(psi.owned()[static_cast<std::size_t>(i)]);
        if (weight == 0) continue;
        state_t rest = basis.state(mine.begin + i);
        for (std::size_t site = n; site-- > 0;) {
          const auto dim = static_cast<state_t>(code.dim(static_cast<int>(site)));
          const state_t others = detail::quotient(rest, dim);
          const auto digit = static_cast<std::size_t>(rest - others * dim);
          rest = others;
          left[site] = weight * a[site][digit];
          right[site] = b[site][digit];
        }
        for (std::size_t r = 0; r < n; ++r)
          for (std::size_t c = 0; c < n; ++c) part[r * n + c] += left[r] * right[c];
      }
      for (std::size_t k = 0; k < n * n; ++k) sum[k] += part[k];
    }
#pragma omp critical
    for (std::size_t k = 0; k < n * n; ++k) total[k] += sum[k].value();
  }
  psi.comm().all_reduce(std::span(total));
  return total;
}

}  // namespace

template <Scalar T>
std::vector<Complex> site_profile(const StateView<T>& psi, const std::string& op) {
  std::vector<OpSum> ops;
  for (int site = 0; site < psi.basis().sites(); ++site)
    ops.push_back(single(psi.basis(), {{op, site}}));
  return expectations(psi, std::span<const OpSum>(ops));
}

template <Scalar T>
std::vector<Complex> correlation_matrix(const StateView<T>& psi, const std::string& a,
                                        const std::string& b) {
  const auto left = diagonal_values(psi.basis(), a), right = diagonal_values(psi.basis(), b);
  const bool rows_are_configurations = psi.basis().symmetries() == nullptr;
  if (rows_are_configurations && !left.empty() && !right.empty()) {
    require_fitting(psi, "correlation matrix");
    const auto values = diagonal_correlations(psi, left, right);
    return {values.begin(), values.end()};
  }
  std::vector<OpSum> pairs;
  for (int i = 0; i < psi.basis().sites(); ++i)
    for (int j = 0; j < psi.basis().sites(); ++j)
      pairs.push_back(single(psi.basis(), {{a, i}, {b, j}}));
  return expectations(psi, std::span<const OpSum>(pairs));
}

#define KRONSOLVE_INSTANTIATE(T)                                                            \
  template std::vector<Complex> site_profile(const StateView<T>&, const std::string&);      \
  template std::vector<Complex> correlation_matrix(const StateView<T>&, const std::string&, \
                                                   const std::string&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
