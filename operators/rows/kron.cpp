#include <algorithm>
#include <memory>
#include <utility>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/kron.hpp>

#include "core/counted.hpp"
#include "operators/maps/placed_product.hpp"

namespace kronsolve {

namespace {

using detail::PlacedMatrix;
using detail::PlacedProduct;

int site_number(int site, int sites, SiteNumbers numbers, const char* what) {
  if (numbers == SiteNumbers::cyclic) return (site % sites + sites) % sites;
  if (site < -sites || site >= sites)
    throw InvalidArgument(detail::concat("kron: ", what, " must be in [", -sites, ", ", sites - 1,
                                         "], got ", site,
                                         "; ask for cyclic numbers to wrap around"));
  return site < 0 ? site + sites : site;
}

template <Scalar T>
PlacedProduct<T> place_all(const std::vector<KronFactor<T>>& factors) {
  if (factors.empty()) throw InvalidArgument("kron: at least one factor is needed");
  std::vector<index_t> rows, cols;
  std::vector<PlacedMatrix<T>> placed;
  for (const auto& f : factors) {
    placed.push_back({f.csr(), {static_cast<int>(rows.size())}});
    rows.push_back(f.rows());
    cols.push_back(f.cols());
  }
  return {std::move(rows), std::move(cols), std::move(placed)};
}

/// Deals sites to operators in the order given; a dimension of -1 becomes that of the operator
/// which takes the site.
template <Scalar T>
std::vector<PlacedMatrix<T>> deal(const std::vector<KronFactor<T>>& operators,
                                  std::vector<index_t>& dims, const std::vector<int>& sites) {
  std::vector<PlacedMatrix<T>> placed;
  std::size_t next = 0, used = 0;
  while (next < sites.size()) {
    const auto& op = operators[used++ % operators.size()];
    if (op.rows() != op.cols())
      throw DimensionError(detail::concat("ikron: operators on sites must be square, got ",
                                          op.rows(), " x ", op.cols()));
    PlacedMatrix<T> matrix{op.csr(), {}};
    index_t size = 1;
    do {
      const int site = sites[next++];
      auto& dim = dims[static_cast<std::size_t>(site)];
      if (dim == -1) dim = op.rows();
      matrix.sites.push_back(site);
      size *= dim;
    } while (size < op.rows() && next < sites.size());
    if (size != op.rows())
      throw DimensionError(detail::concat(
          "ikron: an operator of dimension ", op.rows(), " does not fill ",
          detail::counted(matrix.sites.size(), "site"), " of dimension ", size, " together"));
    placed.push_back(std::move(matrix));
  }
  if (used < operators.size())
    throw InvalidArgument(detail::concat("ikron: ", operators.size(), " operators for ",
                                         detail::counted(sites.size(), "site"), "; ",
                                         operators.size() - used, " would be left over"));
  return placed;
}

/// The sites as numbers from 0, each once; dimensions checked.
std::vector<int> resolve(const std::vector<int>& dims, const std::vector<int>& sites,
                         SiteNumbers numbers) {
  if (sites.empty() || dims.empty())
    throw InvalidArgument("ikron: dimensions and sites must not be empty");
  for (const int dim : dims)
    if (dim < 1 && dim != -1)
      throw InvalidArgument(detail::concat(
          "ikron: a dimension must be at least 1, or -1 for that of the operator, got ", dim));
  std::vector<int> where;
  for (const int site : sites) {
    const int at = site_number(site, static_cast<int>(dims.size()), numbers, "site");
    if (std::find(where.begin(), where.end(), at) != where.end())
      throw InvalidArgument(detail::concat("ikron: site ", at, " is given twice"));
    where.push_back(at);
  }
  return where;
}

template <Scalar T>
PlacedProduct<T> place(std::vector<index_t> dims, std::vector<PlacedMatrix<T>> placed) {
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (dims[i] == -1)
      throw InvalidArgument(detail::concat("ikron: the dimension of site ", i,
                                           " is -1 and no operator is there to give it"));
  auto cols = dims;
  return {std::move(dims), std::move(cols), std::move(placed)};
}

template <Scalar T>
PlacedProduct<T> place_some(const std::vector<KronFactor<T>>& operators,
                            const std::vector<int>& dims, const std::vector<int>& sites,
                            SiteNumbers numbers) {
  if (operators.empty()) throw InvalidArgument("ikron: at least one operator is needed");
  const auto where = resolve(dims, sites, numbers);
  std::vector<index_t> all(dims.begin(), dims.end());
  auto placed = deal(operators, all, where);
  return place(std::move(all), std::move(placed));
}

template <Scalar T>
PlacedProduct<T> place_one(const KronFactor<T>& op, const std::vector<int>& dims,
                           const std::vector<int>& sites, SiteNumbers numbers) {
  const auto where = resolve(dims, sites, numbers);
  std::vector<index_t> all(dims.begin(), dims.end());
  if (where.size() == 1 && all[static_cast<std::size_t>(where[0])] == -1)
    all[static_cast<std::size_t>(where[0])] = op.rows();
  index_t size = 1;
  for (const int site : where)
    size = checked_multiply(size, std::max<index_t>(all[static_cast<std::size_t>(site)], 0),
                            "the dimension of the sites");
  if (size != op.rows() || size != op.cols())
    throw DimensionError(detail::concat("pkron: the operator is ", op.rows(), " x ", op.cols(),
                                        ", its ", detail::counted(where.size(), "site"),
                                        " together have dimension ", size));
  return place<T>(std::move(all), {{op.csr(), where}});
}

template <Scalar T>
CsrRows<T> build(const PlacedProduct<T>& product, std::optional<RowRange> rows) {
  return product.build(rows.value_or(RowRange{0, product.rows()}));
}

template <Scalar T>
Lazy<T> to_lazy(PlacedProduct<T> product) {
  const auto shared = std::make_shared<const PlacedProduct<T>>(std::move(product));
  return Lazy<T>(shared->rows(), shared->cols(),
                 [shared](RowRange range) { return shared->build(range); });
}

}  // namespace

template <Scalar T>
KronFactor<T>::KronFactor(CsrRows<T> whole) : rows_(std::move(whole)) {
  require_valid(rows_, "kron");
  if (rows_.range.begin != 0 || rows_.range.empty() || rows_.cols < 1)
    throw DimensionError(
        "kron: a factor must be a whole matrix, rows from 0, with at least one row and column");
}

template <Scalar T>
KronFactor<T>::KronFactor(index_t rows, index_t cols, std::span<const T> values) {
  if (rows < 1 || cols < 1 ||
      static_cast<index_t>(values.size()) != checked_multiply(rows, cols, "a dense factor"))
    throw DimensionError(detail::concat("kron: ", detail::counted(values.size(), "value"),
                                        " for a ", rows, " x ", cols, " factor"));
  rows_.range = {0, rows};
  rows_.cols = cols;
  for (index_t i = 0; i < rows; ++i) {
    for (index_t j = 0; j < cols; ++j) {
      const T value = values[static_cast<std::size_t>(i * cols + j)];
      if (value == T{}) continue;
      rows_.columns.push_back(j);
      rows_.values.push_back(value);
    }
    rows_.offsets.push_back(rows_.entries());
  }
  require_valid(rows_, "kron");
}

template <Scalar T>
KronFactor<T>::KronFactor(const LocalMatrix& matrix) {
  if (!is_complex<T> && !matrix.is_real())
    throw InvalidArgument("kron: a local matrix is not real; use complex factors");
  std::vector<T> values;
  for (int i = 0; i < matrix.dim(); ++i)
    for (int j = 0; j < matrix.dim(); ++j) values.push_back(from_complex<T>(matrix(i, j)));
  *this = KronFactor(matrix.dim(), matrix.dim(), values);
}

template <Scalar T>
CsrRows<T> kron(const std::vector<KronFactor<T>>& factors, std::optional<RowRange> rows) {
  return build(place_all(factors), rows);
}

template <Scalar T>
Lazy<T> lazy_kron(std::vector<KronFactor<T>> factors) {
  return to_lazy(place_all(factors));
}

template <Scalar T>
CsrRows<T> ikron(const std::vector<KronFactor<T>>& operators, const std::vector<int>& dims,
                 const std::vector<int>& sites, std::optional<RowRange> rows, SiteNumbers numbers) {
  return build(place_some(operators, dims, sites, numbers), rows);
}

template <Scalar T>
Lazy<T> lazy_ikron(const std::vector<KronFactor<T>>& operators, const std::vector<int>& dims,
                   const std::vector<int>& sites, SiteNumbers numbers) {
  return to_lazy(place_some(operators, dims, sites, numbers));
}

template <Scalar T>
CsrRows<T> pkron(const KronFactor<T>& op, const std::vector<int>& dims,
                 const std::vector<int>& sites, std::optional<RowRange> rows, SiteNumbers numbers) {
  return build(place_one(op, dims, sites, numbers), rows);
}

template <Scalar T>
Lazy<T> lazy_pkron(const KronFactor<T>& op, const std::vector<int>& dims,
                   const std::vector<int>& sites, SiteNumbers numbers) {
  return to_lazy(place_one(op, dims, sites, numbers));
}

std::vector<int> site_numbers(std::pair<int, int> lengths,
                              const std::vector<std::pair<int, int>>& coordinates,
                              SiteNumbers numbers) {
  if (lengths.first < 1 || lengths.second < 1)
    throw InvalidArgument(detail::concat("kron: lengths must be at least 1, got ", lengths.first,
                                         " x ", lengths.second));
  std::vector<int> sites;
  for (const auto& [x, y] : coordinates)
    sites.push_back(site_number(x, lengths.first, numbers, "coordinate x") * lengths.second +
                    site_number(y, lengths.second, numbers, "coordinate y"));
  return sites;
}

template <Scalar T>
std::vector<T> to_dense(const CsrRows<T>& rows) {
  const index_t size = checked_multiply(rows.range.size(), rows.cols, "a dense matrix");
  require_memory(checked_multiply(size, static_cast<index_t>(sizeof(T)), "a dense matrix"),
                 "a dense matrix");
  std::vector<T> dense(static_cast<std::size_t>(size));
  for (index_t row = rows.range.begin; row < rows.range.end; ++row) {
    const auto columns = rows.row_columns(row);
    for (std::size_t e = 0; e < columns.size(); ++e)
      dense[static_cast<std::size_t>((row - rows.range.begin) * rows.cols + columns[e])] =
          rows.row_values(row)[e];
  }
  return dense;
}

#define KRONSOLVE_INSTANTIATE(T)                                                            \
  template class KronFactor<T>;                                                             \
  template CsrRows<T> kron(const std::vector<KronFactor<T>>&, std::optional<RowRange>);     \
  template Lazy<T> lazy_kron(std::vector<KronFactor<T>>);                                   \
  template CsrRows<T> ikron(const std::vector<KronFactor<T>>&, const std::vector<int>&,     \
                            const std::vector<int>&, std::optional<RowRange>, SiteNumbers); \
  template Lazy<T> lazy_ikron(const std::vector<KronFactor<T>>&, const std::vector<int>&,   \
                              const std::vector<int>&, SiteNumbers);                        \
  template CsrRows<T> pkron(const KronFactor<T>&, const std::vector<int>&,                  \
                            const std::vector<int>&, std::optional<RowRange>, SiteNumbers); \
  template Lazy<T> lazy_pkron(const KronFactor<T>&, const std::vector<int>&,                \
                              const std::vector<int>&, SiteNumbers);                        \
  template std::vector<T> to_dense(const CsrRows<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
