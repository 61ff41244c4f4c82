// Dense eigenpairs against raw LAPACK, by turns: benchmark_dense_eigh [n [real|complex [turns]]]
// (3000 real 3). A JSON line; the smallest time of each counts. Answers are checked: residuals,
// equal values, and the number of BLAS threads left as it was. Two more lines compare the drivers
// where the lowest tenth of the pairs or the values alone are wanted (dense_eigh.cpp of the library
// chooses by these numbers).

#include <algorithm>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#define lapack_complex_double std::complex<double>
#define lapack_complex_float std::complex<float>
#include <lapacke.h>

#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/solvers/dense.hpp>

extern "C" {
int openblas_get_num_threads(void);
void openblas_set_num_threads(int);
}

namespace {

using namespace kronsolve;
using Complex = std::complex<double>;
using Clock = std::chrono::steady_clock;

template <Scalar T>
DenseMatrix<T> random_hermitian(index_t n) {
  const CounterRandom random(7, 1);
  DenseMatrix<T> a(n, n);
  for (index_t j = 0; j < n; ++j)
    for (index_t i = j; i < n; ++i) {
      const T x = from_complex<T>(random.complex_normal(static_cast<std::uint64_t>(j * n + i)));
      a(i, j) = i == j ? T(real_part(x)) : x;
      a(j, i) = conj(a(i, j));
    }
  return a;
}

enum class Driver { divide_and_conquer, representations };
/// Wanted of the spectrum; divide and conquer has no part of the vectors.
enum class Part { all, tenth, values };

/// What one would write with LAPACKE by hand; the vectors in a or z.
template <Scalar T>
std::vector<double> raw(Driver driver, DenseMatrix<T> a, Part part = Part::all) {
  const auto n = static_cast<lapack_int>(a.rows());
  std::vector<double> values(static_cast<std::size_t>(n));
  lapack_int info = 0, found = 0;
  const char job = part == Part::values ? 'N' : 'V', range = part == Part::tenth ? 'I' : 'A';
  const auto last = std::max<lapack_int>(1, n / 10);
  if (driver == Driver::divide_and_conquer) {
    if constexpr (is_complex<T>)
      info = LAPACKE_zheevd(LAPACK_COL_MAJOR, job, 'L', n, a.data(), n, values.data());
    else
      info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, job, 'L', n, a.data(), n, values.data());
  } else {
    DenseMatrix<T> z(a.rows(), a.rows());
    std::vector<lapack_int> support(2 * static_cast<std::size_t>(n));
    if constexpr (is_complex<T>)
      info = LAPACKE_zheevr(LAPACK_COL_MAJOR, job, range, 'L', n, a.data(), n, 0, 0, 1, last, 0,
                            &found, values.data(), z.data(), n, support.data());
    else
      info = LAPACKE_dsyevr(LAPACK_COL_MAJOR, job, range, 'L', n, a.data(), n, 0, 0, 1, last, 0,
                            &found, values.data(), z.data(), n, support.data());
  }
  if (info != 0) {
    std::fprintf(stderr, "LAPACK failed with info = %d\n", static_cast<int>(info));
    std::exit(1);
  }
  return values;
}

template <class F>
double seconds(F&& f) {
  const auto start = Clock::now();
  f();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

template <Scalar T>
int run(index_t n, int turns) {
  const auto a = random_hermitian<T>(n);
  openblas_set_num_threads(num_threads());
  double ours = 1e300, conquer = 1e300, representations = 1e300;
  EigenPairs<T> pairs;
  std::vector<double> values;
  for (int turn = 0; turn < turns; ++turn) {
    ours = std::min(ours, seconds([&] { pairs = eigh(a); }));
    conquer = std::min(conquer, seconds([&] { values = raw(Driver::divide_and_conquer, a); }));
    representations =
        std::min(representations, seconds([&] { values = raw(Driver::representations, a); }));
  }
  double residual = 0, difference = 0;
  const auto product = multiply(a, pairs.vectors);
  for (index_t j = 0; j < n; ++j) {
    double square = 0;
    for (index_t i = 0; i < n; ++i)
      square += norm_squared(product(i, j) -
                             pairs.values[static_cast<std::size_t>(j)] * pairs.vectors(i, j));
    residual = std::max(residual, std::sqrt(square));
    const auto at = static_cast<std::size_t>(j);
    difference = std::max(difference, std::abs(values[at] - pairs.values[at]));
  }
  const double limit = 1e-12 * static_cast<double>(n);
  if (residual > limit || difference > limit || openblas_get_num_threads() != num_threads()) {
    std::fprintf(stderr, "wrong: residual %g, difference %g, %d BLAS threads\n", residual,
                 difference, openblas_get_num_threads());
    return 1;
  }
  std::printf(
      "{\"program\": \"dense_eigh\", \"n\": %lld, \"scalar\": \"%s\", \"threads\": %d, "
      "\"seconds\": %.3f, \"%s_seconds\": %.3f, \"%s_seconds\": %.3f, \"ratio_to_best\": %.3f, "
      "\"residual\": %.1e}\n",
      static_cast<long long>(n), is_complex<T> ? "complex" : "real", num_threads(), ours,
      is_complex<T> ? "zheevd" : "dsyevd", conquer, is_complex<T> ? "zheevr" : "dsyevr",
      representations, ours / std::min(conquer, representations), residual);
  for (const Part part : {Part::tenth, Part::values}) {
    double first = 1e300, second = 1e300;
    for (int turn = 0; turn < turns; ++turn) {
      // All of its vectors, where a part is wanted: divide and conquer can do no less.
      const Part most = part == Part::tenth ? Part::all : part;
      first = std::min(first, seconds([&] { values = raw(Driver::divide_and_conquer, a, most); }));
      second = std::min(second, seconds([&] { values = raw(Driver::representations, a, part); }));
    }
    std::printf(
        "{\"program\": \"dense_drivers\", \"n\": %lld, \"scalar\": \"%s\", \"threads\": %d, "
        "\"part\": \"%s\", \"%s_seconds\": %.3f, \"%s_seconds\": %.3f}\n",
        static_cast<long long>(n), is_complex<T> ? "complex" : "real", num_threads(),
        part == Part::tenth ? "lowest tenth" : "values", is_complex<T> ? "zheevd" : "dsyevd", first,
        is_complex<T> ? "zheevr" : "dsyevr", second);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const index_t n = argc > 1 ? std::atoll(argv[1]) : 3000;
  const bool complex = argc > 2 && std::strcmp(argv[2], "complex") == 0;
  const int turns = argc > 3 ? std::atoi(argv[3]) : 3;
  return complex ? run<Complex>(n, turns) : run<double>(n, turns);
}
