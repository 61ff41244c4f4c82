#include "operators/maps/placed_product.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>

namespace kronsolve::detail {

namespace {

std::vector<index_t> strides_of(const std::vector<index_t>& dims, index_t& total) {
  std::vector<index_t> strides(dims.size());
  total = 1;
  for (std::size_t i = dims.size(); i-- > 0;) {
    strides[i] = total;
    total = checked_multiply(total, dims[i], "the dimension of the Kronecker product");
  }
  return strides;
}

}  // namespace

template <Scalar T>
PlacedProduct<T>::PlacedProduct(std::vector<index_t> row_dims, std::vector<index_t> col_dims,
                                std::vector<PlacedMatrix<T>> matrices) {
  strides_of(row_dims, rows_);
  const auto col_strides = strides_of(col_dims, cols_);
  std::vector<Site> sites(row_dims.size());
  for (std::size_t i = 0; i < sites.size(); ++i) sites[i] = {row_dims[i], -1, col_strides[i]};
  for (auto& [csr, covered] : matrices) {
    index_t weight = 1;
    for (std::size_t k = covered.size(); k-- > 0;) {
      auto& site = sites[static_cast<std::size_t>(covered[k])];
      site.block = static_cast<int>(blocks_.size());
      site.weight = weight;
      weight *= site.dim;
    }
    std::vector<index_t> offsets(static_cast<std::size_t>(csr.cols), 0);
    for (std::size_t c = 0; c < offsets.size(); ++c) {
      auto rest = static_cast<index_t>(c);
      for (std::size_t k = covered.size(); k-- > 0;) {
        const auto site = static_cast<std::size_t>(covered[k]);
        offsets[c] += rest % col_dims[site] * col_strides[site];
        rest /= col_dims[site];
      }
    }
    blocks_.push_back({std::move(csr), std::move(offsets)});
  }
  // Neighbouring identities are one site: fewer digits to count.
  for (const Site& site : sites) {
    const bool joins = !sites_.empty() && site.block < 0 && sites_.back().block < 0;
    if (joins) {
      sites_.back().dim *= site.dim;
      sites_.back().weight = site.weight;
    } else {
      sites_.push_back(site);
    }
  }
}

/// The digits of one row, counted up.
template <Scalar T>
struct PlacedProduct<T>::Walker {
  const PlacedProduct& product;
  std::vector<index_t> digits;
  std::vector<index_t> block_rows;
  index_t identity_column = 0;
  std::vector<std::pair<index_t, T>> entries;

  Walker(const PlacedProduct& p, index_t row)
      : product(p), digits(p.sites_.size()), block_rows(p.blocks_.size(), 0) {
    for (std::size_t i = digits.size(); i-- > 0;) {
      add(i, row % p.sites_[i].dim);
      row /= p.sites_[i].dim;
    }
  }
  void add(std::size_t i, index_t by) {
    const Site& site = product.sites_[i];
    digits[i] += by;
    (site.block < 0 ? identity_column : block_rows[static_cast<std::size_t>(site.block)]) +=
        by * site.weight;
  }
  void next() {
    for (std::size_t i = digits.size(); i-- > 0;) {
      if (digits[i] + 1 < product.sites_[i].dim) return add(i, 1);
      add(i, -digits[i]);
    }
  }
  index_t count() const {
    index_t n = 1;
    for (std::size_t b = 0; b < block_rows.size(); ++b)
      n *= static_cast<index_t>(product.blocks_[b].csr.row_columns(block_rows[b]).size());
    return n;
  }
  /// The entries of the row, ascending.
  void expand() {
    entries.assign(1, {identity_column, T{1}});
    bool sorted = true;
    for (std::size_t b = 0; b < block_rows.size(); ++b) {
      const Block& block = product.blocks_[b];
      const auto columns = block.csr.row_columns(block_rows[b]);
      const auto values = block.csr.row_values(block_rows[b]);
      const std::size_t old = entries.size(), times = columns.size();
      entries.resize(old * times);
      for (std::size_t e = old; e-- > 0;) {  // from the back: old entries stay until used
        const auto entry = entries[e];
        for (std::size_t k = times; k-- > 0;)
          entries[e * times + k] = {
              entry.first + block.column_offsets[static_cast<std::size_t>(columns[k])],
              entry.second * values[k]};
      }
    }
    for (std::size_t e = 1; e < entries.size(); ++e)
      sorted = sorted && entries[e - 1].first < entries[e].first;
    if (!sorted)
      std::sort(entries.begin(), entries.end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
  }
};

template <Scalar T>
CsrRows<T> PlacedProduct<T>::build(RowRange range) const {
  if (range.begin < 0 || range.end < range.begin || range.end > rows_)
    throw DimensionError(concat("kron: rows [", range.begin, ", ", range.end,
                                ") asked of a matrix with ", rows_, " rows"));
  CsrRows<T> result;
  result.range = range;
  result.cols = cols_;
  result.offsets.resize(static_cast<std::size_t>(range.size()) + 1);
  result.offsets[0] = 0;
  constexpr index_t chunk = 4096;
  const index_t chunks = (range.size() + chunk - 1) / chunk;
  const auto for_chunks = [&](auto&& f) {
#pragma omp parallel for num_threads(num_threads()) schedule(static) if (chunks > 1)
    for (index_t c = 0; c < chunks; ++c) {
      const index_t begin = range.begin + c * chunk;
      Walker walker(*this, begin);
      for (index_t row = begin; row < std::min(range.end, begin + chunk); ++row, walker.next())
        f(walker, static_cast<std::size_t>(row - range.begin));
    }
  };
  for_chunks([&](Walker& walker, std::size_t i) { result.offsets[i + 1] = walker.count(); });
  std::partial_sum(result.offsets.begin(), result.offsets.end(), result.offsets.begin());
  result.columns.resize(static_cast<std::size_t>(result.offsets.back()));
  result.values.resize(static_cast<std::size_t>(result.offsets.back()));
  for_chunks([&](Walker& walker, std::size_t i) {
    walker.expand();
    auto at = static_cast<std::size_t>(result.offsets[i]);
    for (const auto& entry : walker.entries) {
      std::tie(result.columns[at], result.values[at]) = entry;
      ++at;
    }
  });
  return result;
}

template class PlacedProduct<double>;
template class PlacedProduct<std::complex<double>>;

}  // namespace kronsolve::detail
