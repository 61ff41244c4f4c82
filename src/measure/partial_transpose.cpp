#include "measure/partial_transpose.hpp"

#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>

#include "measure/block_algebra.hpp"
#include "solvers/dense/dense_svd.hpp"

namespace kronsolve::detail {

namespace {

/// What the transpose needs of a configuration of rho's sites.
struct Configuration {
  std::size_t of_a = 0;                ///< what a's digits contribute to its number
  int sign = 1;                        ///< of bringing the modes of a before the others
  bool odd = false, odd_in_a = false;  ///< numbers of fermions
};

class Configurations {
 public:
  Configurations(const Basis& basis, const std::vector<int>& sites, const std::vector<int>& a)
      : basis_(basis), sites_(sites) {
    for (const int site : sites) {
      in_a_.push_back(std::binary_search(a.begin(), a.end(), site));
      fermionic_ = fermionic_ || basis.spaces()[static_cast<std::size_t>(site)].is_fermionic();
    }
  }
  bool fermionic() const noexcept { return fermionic_; }

  Configuration operator()(std::size_t number) const {
    Configuration result;
    std::vector<int> digits(sites_.size());
    std::size_t stride = 1;
    for (std::size_t k = sites_.size(); k-- > 0;) {
      const auto dim = static_cast<std::size_t>(basis_.code().dim(sites_[k]));
      digits[k] = static_cast<int>(number / stride % dim);
      if (in_a_[k]) result.of_a += static_cast<std::size_t>(digits[k]) * stride;
      stride *= dim;
    }
    if (!fermionic_) return result;
    // Modes in their order, all up ones before all down ones; each of a passes the others before
    // it.
    bool others_odd = false;
    for (const bool up : {true, false})
      for (std::size_t k = 0; k < sites_.size(); ++k) {
        if (!occupied(sites_[k], digits[k], up)) continue;
        result.odd = !result.odd;
        if (!in_a_[k]) {
          others_odd = !others_odd;
          continue;
        }
        result.odd_in_a = !result.odd_in_a;
        if (others_odd) result.sign = -result.sign;
      }
    return result;
  }

 private:
  bool occupied(int site, int digit, bool up) const {
    const auto& space = basis_.spaces()[static_cast<std::size_t>(site)];
    return (up ? space.up_parity() : space.down_parity())(digit, digit).real() < 0;
  }
  const Basis& basis_;
  const std::vector<int>& sites_;
  std::vector<bool> in_a_;
  bool fermionic_ = false;
};

/// Calls f(row, column, configurations of the row and the column it came from, value) for every
/// entry of the matrix with the digits of a exchanged.
template <Scalar T, class F>
void transpose(const DensityMatrix<T>& rho, const std::vector<Configuration>& configurations,
               F&& f) {
  const auto d = static_cast<std::size_t>(rho.dim);
  for (std::size_t row = 0; row < d; ++row)
    for (std::size_t col = 0; col < d; ++col) {
      const auto &r = configurations[row], &c = configurations[col];
      f(row - r.of_a + c.of_a, col - c.of_a + r.of_a, r, c, rho.values[row * d + col]);
    }
}

}  // namespace

template <Scalar T>
double transposed_trace_norm(const Basis& basis, const DensityMatrix<T>& rho,
                             const std::vector<int>& a) {
  const auto d = static_cast<std::size_t>(rho.dim);
  const Configurations describe(basis, rho.sites, a);
  std::vector<Configuration> configurations(d);
  double trace = 0;
  for (std::size_t c = 0; c < d; ++c) {
    configurations[c] = describe(c);
    trace += real_part(rho.values[c * d + c]);
  }
  double sum = 0;
  if (!describe.fermionic()) {
    std::vector<T> transposed(d * d);  // by columns
    transpose(rho, configurations,
              [&](std::size_t row, std::size_t col, const auto&, const auto&, T value) {
                transposed[col * d + row] = value;
              });
    for (const double value : hermitian_eigenvalues<T>(transposed, rho.dim)) sum += std::abs(value);
    return sum / trace;
  }
  using Complex = std::complex<double>;
  LargeVector<Complex> transposed(d * d);
  bool mixed = false;
  // With the modes of a first: |n_a n_b><m_a m_b| becomes phase |m_a n_b><n_a m_b|; the phase is -i
  // where the parities of n_a and m_a differ (then those of n_b and m_b do too), else 1.
  transpose(rho, configurations,
            [&](std::size_t row, std::size_t col, const Configuration& n, const Configuration& m,
                T value) {
              mixed = mixed || (n.odd != m.odd && std::abs(value) > 1e-12 * trace);
              const Complex phase = n.odd_in_a == m.odd_in_a ? Complex(1) : Complex(0, -1);
              transposed[col * d + row] = phase * double(n.sign * m.sign) * value;
            });
  if (mixed)
    throw InvalidArgument(
        "negativity: the number of fermions in these sites is neither even nor odd in parts of the "
        "state that interfere; choose a state of definite parity");
  for (const double value :
       dense::dense_svd<Complex>(std::move(transposed), rho.dim, rho.dim, dense::SvdVectors::none)
           .values)
    sum += value;
  return sum / trace;
}

template double transposed_trace_norm(const Basis&, const DensityMatrix<double>&,
                                      const std::vector<int>&);
template double transposed_trace_norm(const Basis&, const DensityMatrix<std::complex<double>>&,
                                      const std::vector<int>&);

}  // namespace kronsolve::detail
