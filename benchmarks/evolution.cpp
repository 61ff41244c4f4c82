// The Heisenberg ring from the Neel state to time T in Sz = 0: Chebyshev series of this library
// against SLEPc's MFN, on the same product and on the stored complex matrix, at equal error.
//
// benchmark_evolution [sites 20] [time 10]    one JSON line a method and tolerance
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/solvers/expm.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "clock.hpp"

namespace {

using namespace kronsolve;
using bench::now;
using Complex = std::complex<double>;

void require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "benchmark_evolution: %s is wrong\n", what);
  Environment::abort(1);
}

struct Run {
  double seconds = 0;
  index_t products = 0;
  std::vector<Complex> state;
};

template <Scalar T>
Run run(const LinearMap<T>& h, double time, std::span<const Complex> psi,
        const ExpmOptions& options) {
  const double begin = now();
  const auto result = expm_multiply<T>(h, Complex(0, -time), psi, options);
  Run run{now() - begin, result.products, {}};
  const auto w = result.vectors.column(0);
  run.state.assign(w.begin(), w.end());
  return run;
}

double distance(const Comm& comm, const std::vector<Complex>& a, const std::vector<Complex>& b) {
  double square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) square += std::norm(a[i] - b[i]);
  return std::sqrt(comm.all_reduce(square));
}

void measure(const Comm& comm, int sites, double time) {
  const auto model = make_model("heisenberg", {.sites = sites, .cyclic = Cyclic::all});
  const auto& spaces = model.op.spaces();
  const SectorOperator h{
      model.op, std::make_shared<const ChargeBasis>(spaces, std::vector{Charge::sz(spaces, 0)})};
  const auto free = make_operator_map<double>(comm, h, OperatorForm::matrix_free);
  const AssembledMap<Complex> stored(comm, make_lazy<Complex>(h), h.basis->partition(comm.size()));
  const auto start = make_state<Complex>(comm, *h.basis, neel_state(spaces));
  const std::span<const Complex> psi = start.span();

  // Four series on an interval of their own: nothing measured below has their rounding.
  const auto found = spectral_bounds(*free, {.seed = 7});
  const double margin = 0.2 * found.half_width();
  Run reference{0, 0, {psi.begin(), psi.end()}};
  for (int quarter = 0; quarter < 4; ++quarter)
    reference = run<double>(
        *free, time / 4, reference.state,
        {.tol = 1e-14, .bounds = SpectralBounds{found.lower - margin, found.upper + margin}});
  const auto report = [&](const char* method, const char* form, double tol, const Run& r) {
    const double error = distance(comm, r.state, reference.state);
    require(error < 1e3 * tol + 1e-11, "an evolved state");
    if (comm.is_root())
      std::printf(
          "{\"case\": \"evolution\", \"sites\": %d, \"n\": %ld, \"time\": %g, \"ranks\": %d, "
          "\"threads\": %d, \"method\": \"%s\", \"operator\": \"%s\", \"tol\": %.0e, \"error\": "
          "%.1e, \"products\": %ld, \"seconds\": %.3f}\n",
          sites, long(h.dimension()), time, comm.size(), num_threads(), method, form, tol, error,
          long(r.products), r.seconds);
    std::fflush(stdout);
    return error;
  };
  for (const double tol : {1e-6, 1e-10}) {
    const auto mfn = run<Complex>(stored, time, psi, {.method = ExpmMethod::mfn, .tol = tol});
    const double reached = report("mfn", "assembled complex", tol, mfn);
    const auto same = run<double>(*free, time, psi, {.method = ExpmMethod::mfn, .tol = tol});
    report("mfn", "matrix-free real", tol, same);
    // At least as good as MFN turned out to be.
    const double equal = std::max(1e-14, std::min(tol, reached / 2));
    const auto series = run<double>(*free, time, psi, {.tol = equal});
    report("chebyshev", "matrix-free real", equal, series);
    if (comm.is_root())
      std::printf(
          "{\"case\": \"evolution ratio\", \"tol\": %.0e, \"mfn assembled over chebyshev\": %.1f, "
          "\"mfn matrix-free over chebyshev\": %.1f}\n",
          tol, mfn.seconds / series.seconds, same.seconds / series.seconds);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kronsolve;
  const Environment environment;
  const Comm comm = Comm::world();
  measure(comm, argc > 1 ? std::atoi(argv[1]) : 20, argc > 2 ? std::atof(argv[2]) : 10);
  return 0;
}
