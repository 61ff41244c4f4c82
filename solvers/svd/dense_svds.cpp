#include <cmath>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_svd.hpp"
#include "solvers/dense/from_map.hpp"
#include "solvers/svd/triplets.hpp"

namespace kronsolve::svd {

template <Scalar T>
Triplets<T> dense_svds(const TallView<T>& a, const SvdsOptions& options) {
  const Comm& comm = a.comm();
  const index_t n = a.cols();
  const bool with_vectors = options.vectors == SingularVectors::compute;
  const auto job = with_vectors ? dense::SvdVectors::thin : dense::SvdVectors::none;
  const index_t needed = dense::dense_svd_bytes<T>(a.rows(), n, job);
  require_memory(comm, comm.is_root() ? needed : needed / comm.size() / 4,
                 "svds: the dense method");
  auto matrix = dense::gather_matrix<T>(a);
  dense::DenseSvd<T> svd;
  comm.agree([&] {
    if (!comm.is_root()) return;
    for (const T& x : matrix)
      if (!std::isfinite(norm_squared(x)))
        throw InvalidArgument("svds: the matrix has an entry that is NaN or infinite");
    const dense::BlasThreads threads(num_threads());
    svd = dense::dense_svd<T>(std::move(matrix), a.rows(), n, job);
  });
  svd.values.resize(static_cast<std::size_t>(n));
  comm.broadcast(std::span(svd.values));
  const bool largest = options.which == SingularEnd::largest;
  const index_t first = largest ? 0 : n - options.k;
  Triplets<T> result;
  result.norm = svd.values.front();
  result.values.assign(svd.values.begin() + first, svd.values.begin() + first + options.k);
  result.reason = "LAPACK gesdd";
  if (!with_vectors) {
    result.residual_kind = ResidualKind::bound;
    // What a backward stable method leaves: a modest multiple of rounding in |A|.
    const double bound = 1e-15 * static_cast<double>(n) * result.norm;
    result.residuals.assign(result.values.size(), bound);
    return result;
  }
  result.left = vec::deal<T>(comm, a.row_partition(), svd.left, first, options.k);
  result.right = vec::deal<T>(comm, a.col_partition(), svd.right, first, options.k);
  for (index_t i = 0; i < options.k; ++i)
    result.residuals.push_back(triplet_residual<T>(a, result.values[static_cast<std::size_t>(i)],
                                                   result.left.column(i), result.right.column(i)));
  return result;
}

#define KRONSOLVE_INSTANTIATE(T) \
  template Triplets<T> dense_svds(const TallView<T>&, const SvdsOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::svd
