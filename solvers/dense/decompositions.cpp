#include <algorithm>
#include <numeric>

#include "operators/vectors/blas.hpp"
#include "solvers/dense/dense_checks.hpp"
#include "solvers/dense/dense_eig.hpp"
#include "solvers/dense/dense_eigh.hpp"
#include "solvers/dense/from_map.hpp"
#include "solvers/dense/hermitian.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using dense::check_lapack;

template <Scalar T>
DenseMatrix<T> product(dense::Op first, const DenseMatrix<T>& a, const DenseMatrix<T>& b) {
  const index_t rows = first == dense::Op::none ? a.rows() : a.cols(),
                inner = first == dense::Op::none ? a.cols() : a.rows();
  if (inner != b.rows())
    throw DimensionError(detail::concat("multiply: ", rows, " x ", inner, " times ", b.rows(),
                                        " x ", b.cols(), ": the inner sizes must be equal"));
  DenseMatrix<T> c(rows, b.cols());
  if (rows == 0 || inner == 0 || b.cols() == 0) return c;
  const dense::BlasThreads threads(num_threads());
  dense::gemm<T>(first, dense::Op::none, rows, b.cols(), inner, 1, a.data(), a.rows(), b.data(),
                 inner, 0, c.data(), rows);
  return c;
}

template <Scalar T>
LargeVector<T> to_large(const DenseMatrix<T>& a) {
  LargeVector<T> copy;
  copy.assign(a.data(), a.data() + a.rows() * a.cols());
  return copy;
}

/// Root of i's tree, with the path to it shortened.
index_t find_root(std::vector<index_t>& parent, index_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

template <Scalar T>
EigenPairs<T> eigh_blocks(const DenseMatrix<T>& a) {
  const index_t n = a.rows();
  struct Level {
    double value;
    index_t block, pair;
  };
  const auto blocks = diagonal_blocks(a);
  std::vector<dense::HermitianEigen<T>> solved;
  std::vector<Level> levels;
  for (const auto& rows : blocks) {
    const auto size = static_cast<index_t>(rows.size());
    DenseMatrix<T> part(size, size);
    for (index_t j = 0; j < size; ++j)
      for (index_t i = 0; i < size; ++i) part(i, j) = a(rows[i], rows[j]);
    solved.push_back(dense::hermitian_eigh(std::move(part)));
    for (index_t j = 0; j < size; ++j)
      levels.push_back({solved.back().values[j], static_cast<index_t>(solved.size()) - 1, j});
  }
  std::stable_sort(levels.begin(), levels.end(),
                   [](const Level& x, const Level& y) { return x.value < y.value; });
  EigenPairs<T> result{{}, DenseMatrix<T>(n, n)};
  for (index_t j = 0; j < n; ++j) {
    const auto& level = levels[j];
    const auto& rows = blocks[level.block];
    result.values.push_back(level.value);
    for (std::size_t i = 0; i < rows.size(); ++i)
      result.vectors(rows[i], j) = solved[level.block].vectors(static_cast<index_t>(i), level.pair);
  }
  return result;
}

/// LAPACK's singular value driver; u and v are filled if wanted.
template <Scalar T>
std::vector<double> gesdd(DenseMatrix<T> a, DenseMatrix<T>* u, DenseMatrix<T>* vh) {
  const auto m = narrow<lapack_int>(a.rows(), "rows"), n = narrow<lapack_int>(a.cols(), "columns"),
             k = std::min(m, n);
  std::vector<double> values(static_cast<std::size_t>(k));
  if (k == 0) return values;
  const dense::BlasThreads threads(num_threads());
  const char job = u != nullptr ? 'S' : 'N';
  T* const left = u != nullptr ? u->data() : nullptr;
  T* const right = vh != nullptr ? vh->data() : nullptr;
  if constexpr (is_complex<T>)
    check_lapack(
        LAPACKE_zgesdd(LAPACK_COL_MAJOR, job, m, n, a.data(), m, values.data(), left, m, right, k),
        "zgesdd");
  else
    check_lapack(
        LAPACKE_dgesdd(LAPACK_COL_MAJOR, job, m, n, a.data(), m, values.data(), left, m, right, k),
        "dgesdd");
  return values;
}

}  // namespace

template <Scalar T>
DenseMatrix<T> multiply(const DenseMatrix<T>& a, const DenseMatrix<T>& b) {
  return product(dense::Op::none, a, b);
}
template <Scalar T>
DenseMatrix<T> adjoint_multiply(const DenseMatrix<T>& a, const DenseMatrix<T>& b) {
  return product(dense::Op::adjoint, a, b);
}

namespace dense {
template <Scalar T>
std::vector<std::vector<index_t>> diagonal_blocks(const T* a, index_t n) {
  std::vector<index_t> parent(static_cast<std::size_t>(n));
  std::iota(parent.begin(), parent.end(), 0);
  index_t groups = n;
  for (index_t j = 0; j < n && groups > 1; ++j)
    for (index_t i = 0; i < n; ++i) {
      if (a[j * n + i] == T{}) continue;
      const index_t x = find_root(parent, i), y = find_root(parent, j);
      if (x == y) continue;
      parent[std::max(x, y)] = std::min(x, y);  // a root is the first index of its group
      --groups;
    }
  std::vector<std::vector<index_t>> blocks;
  std::vector<index_t> number(static_cast<std::size_t>(n), -1);
  for (index_t i = 0; i < n; ++i) {
    const index_t first = find_root(parent, i);
    if (number[first] < 0) {
      number[first] = static_cast<index_t>(blocks.size());
      blocks.emplace_back();
    }
    blocks[number[first]].push_back(i);
  }
  return blocks;
}

#define KRONSOLVE_INSTANTIATE(T) \
  template std::vector<std::vector<index_t>> diagonal_blocks(const T*, index_t);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE
}  // namespace dense

template <Scalar T>
std::vector<std::vector<index_t>> diagonal_blocks(const DenseMatrix<T>& a) {
  dense::require_square(a, "diagonal_blocks");
  return dense::diagonal_blocks(a.data(), a.rows());
}

template <Scalar T>
EigenPairs<T> eigh(const DenseMatrix<T>& a, Blocks blocks) {
  dense::require_usable(a, "eigh", 4);
  dense::require_hermitian(a, "eigh");
  if (blocks == Blocks::find) return eigh_blocks(a);
  auto solved = dense::hermitian_eigh(a);
  return {std::move(solved.values), std::move(solved.vectors)};
}

template <Scalar T>
EigenPairs<T> eigh(const DenseMatrix<T>& a, const DenseMatrix<T>& b) {
  dense::require_usable(a, "eigh", 6);
  dense::require_usable(b, "eigh", 1);
  dense::require_hermitian(a, "eigh");
  dense::require_hermitian(b, "eigh (B)");
  const index_t n = a.rows();
  if (n != b.rows()) throw DimensionError(detail::concat("eigh: A has ", n, " rows, B ", b.rows()));
  if (n == 0) return {};
  const dense::BlasThreads threads(num_threads());
  auto vectors = to_large(a), factor = to_large(b);
  auto values = dense::dense_generalised<T>(vectors, factor, n);
  return {std::move(values), DenseMatrix<T>(n, n, {vectors.begin(), vectors.end()})};
}

template <Scalar T>
GeneralEigenPairs eig(const DenseMatrix<T>& a) {
  dense::require_usable(a, "eig", 6);
  dense::require_square(a, "eig");
  const index_t n = a.rows();
  if (n == 0) return {};
  const dense::BlasThreads threads(num_threads());
  const auto found = dense::dense_eig<T>(to_large(a), n);
  std::vector<index_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](index_t x, index_t y) {
    return std::pair(found.values[x].real(), found.values[x].imag()) <
           std::pair(found.values[y].real(), found.values[y].imag());
  });
  GeneralEigenPairs result{{}, DenseMatrix<Complex>(n, n)};
  for (index_t j = 0; j < n; ++j) {
    result.values.push_back(found.values[order[j]]);
    std::copy_n(found.vectors.data() + order[j] * n, n, result.vectors.column(j));
  }
  return result;
}

template <Scalar T>
SingularTriplets<T> svd(const DenseMatrix<T>& a) {
  dense::require_usable(a, "svd", 5);
  const index_t k = std::min(a.rows(), a.cols());
  SingularTriplets<T> result{DenseMatrix<T>(a.rows(), k), {}, DenseMatrix<T>(a.cols(), k)};
  DenseMatrix<T> vh(k, a.cols());
  result.values = gesdd(a, &result.u, &vh);
  for (index_t j = 0; j < k; ++j)
    for (index_t i = 0; i < a.cols(); ++i) result.v(i, j) = conj(vh(j, i));
  return result;
}

template <Scalar T>
std::vector<double> singular_values(const DenseMatrix<T>& a) {
  dense::require_usable(a, "singular_values", 3);
  return gesdd<T>(a, nullptr, nullptr);
}

template <Scalar T>
double norm(const DenseMatrix<T>& a, NormKind which) {
  dense::require_usable(a, "norm", 0);
  if (which == NormKind::frobenius) {
    double largest = 0, sum = 0;
    for (index_t i = 0; i < a.rows() * a.cols(); ++i)
      largest = std::max(largest, std::abs(a.data()[i]));
    if (largest == 0) return 0;
    for (index_t i = 0; i < a.rows() * a.cols(); ++i) sum += norm_squared(a.data()[i] / largest);
    return largest * std::sqrt(sum);
  }
  const auto values = singular_values(a);
  if (which == NormKind::two) return values.empty() ? 0 : values.front();
  return std::accumulate(values.rbegin(), values.rend(), 0.0);
}

#define KRONSOLVE_INSTANTIATE(T)                                                     \
  template EigenPairs<T> eigh(const DenseMatrix<T>&, Blocks);                        \
  template EigenPairs<T> eigh(const DenseMatrix<T>&, const DenseMatrix<T>&);         \
  template GeneralEigenPairs eig(const DenseMatrix<T>&);                             \
  template SingularTriplets<T> svd(const DenseMatrix<T>&);                           \
  template std::vector<double> singular_values(const DenseMatrix<T>&);               \
  template double norm(const DenseMatrix<T>&, NormKind);                             \
  template std::vector<std::vector<index_t>> diagonal_blocks(const DenseMatrix<T>&); \
  template DenseMatrix<T> multiply(const DenseMatrix<T>&, const DenseMatrix<T>&);    \
  template DenseMatrix<T> adjoint_multiply(const DenseMatrix<T>&, const DenseMatrix<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
