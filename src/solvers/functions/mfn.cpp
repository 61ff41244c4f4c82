#include "solvers/functions/mfn.hpp"

#include <vector>

#include <kronsolve/solvers/engine.hpp>

#include "solvers/functions/complex_view.hpp"
#include "solvers/functions/vector_ops.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

template <Scalar T>
void run(const LinearMap<T>& a, T t, std::span<T> x, double tol) {
  // SLEPc would divide by either.
  if (t == T(0) || vec::norm<T>(a.comm(), x) == 0) return;
  const auto w = load_engine<T>(a.rows()).expm_multiply(a, t, x, tol, 0);
  vec::copy<T>(w, x);
}

}  // namespace

template <Scalar T, Scalar V>
void exponentiate_mfn(const LinearMap<T>& a, V t, std::span<V> x, double tol) {
  if constexpr (std::same_as<T, V>) {
    if constexpr (!is_complex<T>) {
      if (!a.comm().all(engine_installed(ScalarKind::real))) {
        std::vector<Complex> z(x.begin(), x.end());
        exponentiate_mfn<double, Complex>(a, t, z, tol);
        for (std::size_t i = 0; i < z.size(); ++i) x[i] = z[i].real();
        return;
      }
    }
    run<T>(a, t, x, tol);
  } else {
    run<Complex>(ComplexView(a), t, x, tol);
  }
}

template void exponentiate_mfn(const LinearMap<double>&, double, std::span<double>, double);
template void exponentiate_mfn(const LinearMap<double>&, Complex, std::span<Complex>, double);
template void exponentiate_mfn(const LinearMap<Complex>&, Complex, std::span<Complex>, double);

}  // namespace kronsolve
