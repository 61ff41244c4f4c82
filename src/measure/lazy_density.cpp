#include <algorithm>
#include <cmath>
#include <optional>

#include <omp.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/measure/lazy_density.hpp>

#include "measure/column_stream.hpp"
#include "operators/vectors/blas.hpp"
#include "operators/vectors/compensated.hpp"
#include "solvers/dense/blas_threads.hpp"

namespace kronsolve {

namespace {

using detail::Bipartition;
using detail::ColumnStream;
using detail::FermionOrder;

/// The columns psi(., b) that this rank keeps, and how vectors of the subsystem are dealt.
template <Scalar T>
class ColumnsMap : public LinearMap<T> {
 public:
  index_t memory_bytes() const noexcept override {
    index_t bytes = this->rows() * (num_threads() + 1) * static_cast<index_t>(sizeof(T));
    for (const auto& block : blocks_)
      bytes += static_cast<index_t>(block.values.size() * sizeof(T) +
                                    block.numbers.size() * sizeof(index_t));
    return bytes;
  }

 protected:
  struct Block {
    std::vector<index_t> numbers;  ///< configurations of the subsystem
    std::vector<T> values;         ///< columns, one after the other
    index_t size() const noexcept { return static_cast<index_t>(numbers.size()); }
    index_t columns() const noexcept {
      return numbers.empty() ? 0 : static_cast<index_t>(values.size()) / size();
    }
    const T* column(index_t c) const noexcept { return values.data() + c * size(); }
  };

  ColumnsMap(const StateView<T>& psi, const Bipartition& parts)
      : LinearMap<T>(psi.comm(), RowPartition(parts.dimension(), psi.comm().size()),
                     RowPartition(parts.dimension(), psi.comm().size())) {
    const auto share = psi.basis().configurations().partition(psi.comm().size());
    const double bytes = double(sizeof(T)) * (2.0 * double(share.max_local_rows()) +
                                              double(parts.dimension()) * (num_threads() + 2));
    require_memory(psi.comm(), static_cast<index_t>(std::min(bytes, 9e18)),
                   "products with the density matrix of the chosen sites");
    const int count = static_cast<int>(parts.blocks().size());
    for (const auto& block : parts.blocks()) blocks_.push_back({block.numbers, {}});
    vec::Compensated<double> square;
    ColumnStream<T>(psi, parts).run(0, count, [&](int b, std::span<const T> values, index_t) {
      auto& kept = blocks_[static_cast<std::size_t>(b)].values;
      kept.insert(kept.end(), values.begin(), values.end());
      for (const T& value : values) square += norm_squared(value);
    });
    const double trace = psi.comm().all_reduce(square.value());
    if (!(trace > 0)) throw InvalidArgument("density matrix: the state is zero");
    for (auto& block : blocks_)
      for (T& value : block.values) value /= std::sqrt(trace);
  }

  /// Calls add(block, column, y) for each column, y being the whole vector that a thread adds to,
  /// and sums over threads and ranks.
  template <class Add>
  void sum_columns(std::span<T> owned, Add&& add) const {
    const int threads = num_threads();
    const auto n = static_cast<std::size_t>(this->rows());
    std::vector<std::vector<T>> sums(static_cast<std::size_t>(threads), std::vector<T>(n));
#pragma omp parallel num_threads(threads)
    {
      auto& y = sums[static_cast<std::size_t>(omp_get_thread_num())];
      for (const auto& block : blocks_) {
#pragma omp for schedule(dynamic, 16) nowait
        for (index_t c = 0; c < block.columns(); ++c) add(block, block.column(c), y);
      }
    }
    for (int t = 1; t < threads; ++t)
      for (std::size_t i = 0; i < n; ++i) sums[0][i] += sums[static_cast<std::size_t>(t)][i];
    this->comm().all_reduce(std::span<T>(sums[0]));
    const RowRange mine = this->row_range();
    std::copy(sums[0].begin() + mine.begin, sums[0].begin() + mine.end, owned.begin());
  }

 private:
  std::vector<Block> blocks_;
};

template <Scalar T>
class DensityMap final : public ColumnsMap<T> {
 public:
  DensityMap(const StateView<T>& psi, const Bipartition& parts) : ColumnsMap<T>(psi, parts) {}

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    const auto all = this->comm().all_gather_v(x);
    this->sum_columns(y, [&](const auto& block, const T* column, std::vector<T>& sum) {
      T overlap{};
      for (index_t i = 0; i < block.size(); ++i)
        overlap += conj(column[i]) * all[static_cast<std::size_t>(block.numbers[i])];
      for (index_t i = 0; i < block.size(); ++i)
        sum[static_cast<std::size_t>(block.numbers[i])] += column[i] * overlap;
    });
  }
};

/// For each configuration of a and b its place in a matrix X[a, b], by columns.
std::vector<index_t> places(const Basis& basis, const std::vector<int>& both,
                            const std::vector<int>& a, index_t dimension, index_t rows) {
  std::vector<index_t> place(static_cast<std::size_t>(dimension));
  for (index_t number = 0; number < dimension; ++number) {
    index_t rest = number, row = 0, col = 0, row_unit = 1, col_unit = 1;
    for (std::size_t i = both.size(); i-- > 0;) {
      const index_t dim = basis.code().dim(both[i]), digit = rest % dim;
      rest /= dim;
      if (std::binary_search(a.begin(), a.end(), both[i])) {
        row += digit * row_unit;
        row_unit *= dim;
      } else {
        col += digit * col_unit;
        col_unit *= dim;
      }
    }
    place[static_cast<std::size_t>(number)] = col * rows + row;
  }
  return place;
}

index_t dimension_of(const Basis& basis, const std::vector<int>& sites) {
  index_t dimension = 1;
  for (const int site : sites)
    dimension = checked_multiply(dimension, basis.code().dim(site), "configurations of the sites");
  return dimension;
}

/// With P_b[a, c] = psi(a, c, b): y = sum_b conj(P_b) X^T P_b.
template <Scalar T>
class TransposeMap final : public ColumnsMap<T> {
 public:
  TransposeMap(const StateView<T>& psi, const Bipartition& parts, const std::vector<int>& both,
               const std::vector<int>& a)
      : ColumnsMap<T>(psi, parts),
        rows_a_(dimension_of(psi.basis(), a)),
        rows_b_(this->rows() / rows_a_),
        place_(places(psi.basis(), both, a, this->rows(), rows_a_)) {}

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    const dense::BlasThreads one(1);  // columns are dealt to our own threads
    const auto all = this->comm().all_gather_v(x);
    std::vector<T> matrix(all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
      matrix[static_cast<std::size_t>(place_[i])] = all[i];
    this->sum_columns(y, [&](const auto& block, const T* column, std::vector<T>& sum) {
      add_column(block, column, matrix, sum);
    });
  }

 private:
  template <class Block>
  void add_column(const Block& block, const T* column, const std::vector<T>& x,
                  std::vector<T>& sum) const {
    // Kept by each thread: their pages cost more than the products.
    thread_local std::vector<T> p, small, result;
    const bool a_is_small = rows_a_ <= rows_b_;
    const index_t d = std::min(rows_a_, rows_b_), m = rows_a_, n = rows_b_;
    p.assign(x.size(), T{});
    small.resize(static_cast<std::size_t>(d * d));
    result.resize(x.size());
    for (index_t i = 0; i < block.size(); ++i) {
      const auto at = static_cast<std::size_t>(place_[static_cast<std::size_t>(block.numbers[i])]);
      p[at] = a_is_small ? column[i] : conj(column[i]);
    }
    using dense::Op;
    // conj(P) X^T = conj(P X^H), or X^T P = conj(X^H conj(P)): whichever is the smaller matrix.
    if (a_is_small)
      dense::gemm<T>(Op::none, Op::adjoint, m, m, n, T(1), p.data(), m, x.data(), m, T(0),
                     small.data(), m);
    else
      dense::gemm<T>(Op::adjoint, Op::none, n, n, m, T(1), x.data(), m, p.data(), m, T(0),
                     small.data(), n);
    for (T& value : small) value = conj(value);
    if (a_is_small)
      dense::gemm<T>(Op::none, Op::none, m, n, m, T(1), small.data(), m, p.data(), m, T(0),
                     result.data(), m);
    else
      dense::gemm<T>(Op::none, Op::none, m, n, n, T(1), p.data(), m, small.data(), n, T(0),
                     result.data(), m);
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += result[static_cast<std::size_t>(place_[i])];
  }

  index_t rows_a_, rows_b_;
  std::vector<index_t> place_;
};

template <Scalar T>
Bipartition cut(const StateView<T>& psi, const std::vector<int>& sites, FermionOrder order) {
  require_fitting(psi, "density matrix");
  std::optional<Bipartition> parts;
  psi.comm().agree([&] { parts.emplace(psi.basis(), sites, order); });
  return *std::move(parts);
}

EntanglementEstimate estimate(const TraceResult& trace, double value, double slope) {
  return {value, std::abs(slope) * trace.error, trace.converged, trace.samples, trace.products};
}

}  // namespace

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_reduced_density_map(const StateView<T>& psi,
                                                       const std::vector<int>& sites) {
  detail::require_sites(psi.basis(), sites, "density matrix");
  return std::make_unique<DensityMap<T>>(psi, cut(psi, sites, FermionOrder::system_first));
}

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_partial_transpose_map(const StateView<T>& psi,
                                                         const std::vector<int>& a,
                                                         const std::vector<int>& b) {
  const auto both = detail::united(psi.basis(), a, b, "partial transpose");
  for (const int site : both)
    if (psi.basis().spaces()[static_cast<std::size_t>(site)].is_fermionic())
      throw NotSupported(detail::concat("partial transpose: site ", site,
                                        " is fermionic; its transpose is a matter of definition"));
  return std::make_unique<TransposeMap<T>>(psi, cut(psi, both, FermionOrder::system_first), both,
                                           a);
}

template <Scalar T>
EntanglementEstimate estimate_entropy(const StateView<T>& psi, const std::vector<int>& sites,
                                      const EntropyOptions& entropy, const TraceOptions& options) {
  const double alpha = entropy.alpha;
  if (!(alpha > 0) || !std::isfinite(alpha))
    throw InvalidArgument(detail::concat("entropy: alpha must be above 0 and finite, got ", alpha));
  const Basis& basis = psi.basis();
  detail::require_sites(basis, sites, "entropy");
  const auto rest = detail::complement(basis, sites);
  double mine = 0, others = 0;  // logarithms of the dimensions
  for (const int site : sites) mine += std::log(double(basis.code().dim(site)));
  for (const int site : rest) others += std::log(double(basis.code().dim(site)));
  const bool other_side = others < mine;
  const DensityMap<T> rho(
      psi, cut(psi, other_side ? rest : sites,
               other_side ? FermionOrder::environment_first : FermionOrder::system_first));
  const double unit = entropy.unit == EntropyUnit::bits ? std::log(2.0) : 1;
  if (alpha == 1) {
    // A pure product state has entropy 0: errors are then compared with a thousandth of a nat.
    TraceOptions with_scale = options;
    with_scale.scale = std::max(options.scale, 1e-3);
    const auto trace = trace_function<T>(
        rho, [](double p) { return p > 0 ? -p * std::log(p) : 0; }, with_scale);
    return estimate(trace, std::max(0.0, trace.trace) / unit, 1 / unit);
  }
  const auto trace = trace_function<T>(
      rho, [alpha](double p) { return p > 0 ? std::pow(p, alpha) : 0; }, options);
  return estimate(trace, std::log(trace.trace) / (1 - alpha) / unit,
                  1 / (trace.trace * (1 - alpha) * unit));
}

template <Scalar T>
EntanglementEstimate estimate_negativity(const StateView<T>& psi, const std::vector<int>& a,
                                         const std::vector<int>& b, const TraceOptions& options) {
  const auto map = make_partial_transpose_map(psi, a, b);
  const auto trace = trace_function<T>(
      *map, [](double p) { return std::abs(p); }, options);
  return estimate(trace, std::max(0.0, std::log(trace.trace)), 1 / trace.trace);
}

#define KRONSOLVE_INSTANTIATE(T)                                                                  \
  template std::unique_ptr<LinearMap<T>> make_reduced_density_map(const StateView<T>&,            \
                                                                  const std::vector<int>&);       \
  template std::unique_ptr<LinearMap<T>> make_partial_transpose_map(                              \
      const StateView<T>&, const std::vector<int>&, const std::vector<int>&);                     \
  template EntanglementEstimate estimate_entropy(const StateView<T>&, const std::vector<int>&,    \
                                                 const EntropyOptions&, const TraceOptions&);     \
  template EntanglementEstimate estimate_negativity(const StateView<T>&, const std::vector<int>&, \
                                                    const std::vector<int>&, const TraceOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
