#include <algorithm>
#include <chrono>
#include <cmath>
#include <tuple>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "operators/maps/scaled_map.hpp"
#include "solvers/dense/dense_svd.hpp"
#include "solvers/frontend/held_rows.hpp"
#include "solvers/svd/triplets.hpp"

namespace kronsolve {

std::string_view to_string(SingularEnd which) {
  return which == SingularEnd::largest ? "largest" : "smallest";
}

std::string_view to_string(SvdMethod method) {
  switch (method) {
    case SvdMethod::automatic:
      return "auto";
    case SvdMethod::dense:
      return "dense";
    case SvdMethod::bidiagonal:
      return "bidiagonal";
    case SvdMethod::cross:
      return "cross";
    case SvdMethod::restarted:
      break;
  }
  return "restarted";
}

namespace {

using svd::TallView;
using svd::Triplets;

/// Up to here LAPACK is faster than any iteration, and as sure as can be.
constexpr index_t dense_cols = 400;
constexpr index_t dense_entries = 4'000'000;

template <Scalar T>
SvdsOptions checked(const LinearMap<T>& a, SvdsOptions options) {
  const index_t n = std::min(a.rows(), a.cols());
  if (n < 1)
    throw InvalidArgument(
        detail::concat("svds: the map must not be empty, it is ", a.rows(), " x ", a.cols()));
  if (options.k == SvdsOptions::all) options.k = n;
  if (options.k < 1 || options.k > n)
    throw InvalidArgument(detail::concat("svds: k must be in [1, ", n,
                                         "] (the shorter side of the map), got ", options.k,
                                         "; ask for k = all to get all singular values"));
  if (!(options.tol > 0 && options.tol < 1))
    throw InvalidArgument(detail::concat("svds: tol must be in (0, 1), got ", options.tol));
  if (options.ncv != 0 && (options.ncv < 0 || (options.ncv <= options.k && options.k < n)))
    throw InvalidArgument(
        detail::concat("svds: ncv must be above k = ", options.k, ", got ", options.ncv));
  if (options.method == SvdMethod::restarted && options.which == SingularEnd::smallest)
    throw InvalidArgument(
        "svds: method restarted finds the largest triplets only; take bidiagonal for the smallest");
  if (options.max_iterations < 0)
    throw InvalidArgument(
        detail::concat("svds: max_iterations must not be negative, got ", options.max_iterations));
  return options;
}

struct Choice {
  SvdMethod method;
  std::string why;
};

template <Scalar T>
Choice choose(const TallView<T>& a, const SvdsOptions& options) {
  if (options.method != SvdMethod::automatic)
    return {options.method, detail::concat(to_string(options.method), " was asked for")};
  const index_t n = a.cols();
  // LAPACK cannot go on.
  const bool goes_on = options.checkpoint != nullptr && options.checkpoint->required();
  const bool small = n <= dense_cols && a.rows() <= dense_entries / n;
  if (small && !goes_on)
    return {SvdMethod::dense, detail::concat("dense: a side of at most ", dense_cols, " rows")};
  if (2 * options.k >= n && !goes_on)
    return {SvdMethod::dense, "dense: half of all triplets or more are wanted"};
  if (options.which == SingularEnd::largest)
    return {SvdMethod::restarted, "restarted: few of the largest triplets of a large matrix"};
  return {SvdMethod::bidiagonal, "bidiagonal: few triplets of a large matrix"};
}

template <Scalar T>
void take(SvdsResult<T>& result, Triplets<T>&& t, const TallView<T>& a,
          const SvdsOptions& options) {
  result.singular_values = std::move(t.values);
  result.residuals = std::move(t.residuals);
  result.residual_kind = t.residual_kind;
  result.iterations = t.steps;
  for (std::size_t i = 0; i < result.residuals.size(); ++i) {
    const double limit = svd::residual_limit(options.tol, result.singular_values[i], t.norm);
    result.converged_flags.push_back(result.residuals[i] <= limit);
    result.converged_triplets += result.converged_flags.back() ? 1 : 0;
  }
  result.converged = result.converged_triplets == options.k;
  if (options.vectors == SingularVectors::skip) return;
  vec::fix_phases(a.comm(), t.right, &t.left);
  result.left = std::move(a.swapped() ? t.right : t.left);
  result.right = std::move(a.swapped() ? t.left : t.right);
}

template <Scalar T>
index_t estimate_bytes(const TallView<T>& a, const SvdsOptions& options, SvdMethod method) {
  const index_t each = static_cast<index_t>(sizeof(T)) * (a.rows() + a.cols());
  const index_t results = options.k * each;
  if (method == SvdMethod::dense)
    return results + dense::dense_svd_bytes<T>(a.rows(), a.cols(), dense::SvdVectors::thin);
  if (method == SvdMethod::cross) return results + 4 * each;
  if (method == SvdMethod::restarted) {
    const index_t ncv = options.ncv > 0 ? options.ncv : svd::restarted_subspace(options.k);
    return results + (std::min(ncv, a.cols()) + 3) * static_cast<index_t>(sizeof(T)) * a.cols();
  }
  const index_t ncv = options.ncv > 0 ? options.ncv : svd::bidiagonal_subspace(options.k);
  return results + (std::min(ncv, a.cols()) + 1) * each;
}

template <Scalar T>
Triplets<T> triplets_by(SvdMethod method, const TallView<T>& a, const SvdsOptions& options) {
  switch (method) {
    case SvdMethod::dense:
      return svd::dense_svds(a, options);
    case SvdMethod::cross:
      return svd::cross_svds(a, options);
    case SvdMethod::restarted:
      return svd::restarted_svds(a, options);
    default:
      return svd::bidiagonal_svds<T>(a, options, nullptr, options.seed);
  }
}

/// What brings a map to a norm of about 1 whose numbers are too large or small to be squared; else
/// 1. One product.
template <Scalar T>
double safe_factor(const LinearMap<T>& map, std::uint64_t seed) {
  Buffer<T> x(map.col_range().size()), y(map.row_range().size());
  fill_normal(x.span(), map.col_range(), seed);
  map.apply(x.span(), y.span());
  return ScaledMap<T>::factor_for(vec::norm<T>(map.comm(), y.span()));
}

void check_checkpoint(Checkpoint& checkpoint, const SvdsOptions& o, SvdMethod method,
                      const auto& map, ScalarKind scalar) {
  if (method == SvdMethod::dense)
    throw NotSupported(
        "svds: a checkpoint needs method restarted, bidiagonal or cross; LAPACK cannot go on in "
        "the middle, leave the checkpoint out");
  checkpoint.identify("shape", detail::concat(map.rows(), " x ", map.cols()));
  checkpoint.identify("scalar", std::string(to_string(scalar)));
  checkpoint.identify("method", std::string(to_string(method)));
  checkpoint.identify("k", std::to_string(o.k));
  checkpoint.identify("which", std::string(to_string(o.which)));
  checkpoint.identify("tol", detail::concat(o.tol));
  checkpoint.identify("ncv", std::to_string(o.ncv));
  checkpoint.identify("seed", std::to_string(o.seed));
  checkpoint.identify("max_iterations", std::to_string(o.max_iterations));
  checkpoint.identify("vectors", o.vectors == SingularVectors::compute ? "computed" : "left out");
  checkpoint.identify("certify", o.certify == Certification::on ? "yes" : "no");
}

/// What a checkpoint keeps of triplets.
template <Scalar T>
auto numbers_of(Triplets<T>& t) {
  return std::tie(t.residual_kind, t.norm, t.steps, t.settled, t.method);
}
template <Scalar T>
void write(CheckpointWriter& writer, Triplets<T>& t) {
  writer.numbers("triplets", numbers_of(t));
  writer.numbers("values", t.values);
  writer.numbers("residuals", t.residuals);
  writer.text("reason", t.reason);
  writer.vectors("left", t.left, t.left.count());
  writer.vectors("right", t.right, t.right.count());
}
template <Scalar T>
Triplets<T> read_triplets(const CheckpointReader& reader, const TallView<T>& a) {
  Triplets<T> t;
  reader.numbers("triplets", numbers_of(t));
  t.values = reader.numbers("values");
  t.residuals = reader.numbers("residuals");
  t.reason = reader.text("reason");
  const auto count = std::ssize(t.values);
  t.left = DistributedVectors<T>(a.row_partition(), a.comm().rank(), count);
  t.right = DistributedVectors<T>(a.col_partition(), a.comm().rank(), count);
  reader.vectors("left", t.left, count);
  reader.vectors("right", t.right, count);
  return t;
}

}  // namespace

template <Scalar T>
SvdsResult<T> svds(const LinearMap<T>& map, const SvdsOptions& given) {
  const auto began = std::chrono::steady_clock::now();
  SvdsOptions options = checked(map, given);
  const Choice choice = choose(TallView<T>(map), options);
  if (choice.method == SvdMethod::dense && options.checkpoint != nullptr &&
      !options.checkpoint->required())
    options.checkpoint = nullptr;
  if (options.checkpoint != nullptr)
    check_checkpoint(*options.checkpoint, options, choice.method, map, scalar_kind<T>);
  SvdsResult<T> result;
  result.method = choice.method;
  double factor = 1;
  bool solved = false;  // the rest is the certificate
  index_t before = 0, products = 0;
  Triplets<T> t;
  const auto place = [&] {
    return std::tie(factor, solved, products, result.products, result.method);
  };
  const CheckpointStage stage(options.checkpoint, "triplets", [&](CheckpointWriter& writer) {
    products = map.products() - before;
    writer.numbers("place", place());
    writer.text("reason of the solve", result.reason);
    if (solved) write(writer, t);
  });
  if (stage.saved() != nullptr)
    stage.saved()->numbers("place", place());
  else
    factor = safe_factor(map, options.seed);
  const ScaledMap<T> scaled(map, factor);
  const TallView<T> a(factor == 1 ? map : scaled, 1 / factor);
  before = map.products() - products;
  result.rows = map.rows();
  result.cols = map.cols();
  result.memory_estimate_bytes = estimate_bytes(a, options, choice.method);
  if (choice.method != SvdMethod::dense)
    require_memory(map.comm(), result.memory_estimate_bytes / map.comm().size(), "svds: vectors");
  if (solved) {
    t = read_triplets(*stage.saved(), a);
    result.reason = stage.saved()->text("reason of the solve");
  } else {
    t = triplets_by(choice.method, a, options);
    if (t.method != SvdMethod::automatic) result.method = t.method;
    result.products = map.products() - before + 1;  // and the look at its size
    result.reason = detail::concat(choice.why, "; ", t.reason);
    solved = true;
  }
  if (choice.method == SvdMethod::dense) {
    result.certified = true;  // all singular values were computed
    result.certificate = "all singular values of the operator were computed";
  } else if (options.certify == Certification::on) {
    const auto certificate = svd::certify_triplets(a, t, options);
    result.certified = certificate.certified;
    result.certificate = certificate.text;
    result.inserted = certificate.inserted;
    result.certify_products = certificate.products;
  }
  take(result, std::move(t), a, options);
  for (double& s : result.singular_values) s /= factor;
  for (double& r : result.residuals) r /= factor;
  result.solve_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

template <Scalar T>
SvdsResult<T> svds(const Comm& comm, const Lazy<T>& a, const SvdsOptions& options) {
  const AssembledMap<T> map(comm, a, RowPartition(a.rows(), comm.size()),
                            RowPartition(a.cols(), comm.size()));
  return svds<T>(map, options);
}

template <Scalar T>
SvdsResult<T> svds(const Comm& comm, const CsrRows<T>& owned, const SvdsOptions& options) {
  const RowPartition rows = frontend::held_partition(comm, owned, "svds");
  comm.agree([&] { require_valid(owned, "svds"); });
  const AssembledMap<T> map(comm, frontend::held_lazy(owned, rows.rows()), rows,
                            RowPartition(owned.cols, comm.size()));
  return svds<T>(map, options);
}

#define KRONSOLVE_INSTANTIATE(T)                                                \
  template SvdsResult<T> svds(const LinearMap<T>&, const SvdsOptions&);         \
  template SvdsResult<T> svds(const Comm&, const Lazy<T>&, const SvdsOptions&); \
  template SvdsResult<T> svds(const Comm&, const CsrRows<T>&, const SvdsOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
