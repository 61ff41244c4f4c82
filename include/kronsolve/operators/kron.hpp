#pragma once

#include <complex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/local_matrix.hpp>

namespace kronsolve {

/// A whole small matrix, one factor of a Kronecker product; from dense values its zeros are
/// dropped. A value.
template <Scalar T>
class KRONSOLVE_EXPORT KronFactor {
 public:
  /// @throws InvalidArgument  not all rows, or a broken CSR structure
  KronFactor(CsrRows<T> whole);
  /// Dense, row-major.
  /// @throws DimensionError  values are not rows*cols, a side < 1
  KronFactor(index_t rows, index_t cols, std::span<const T> values);
  /// @throws InvalidArgument  T is real and an entry is not
  KronFactor(const LocalMatrix& matrix);

  index_t rows() const noexcept { return rows_.range.size(); }  ///< rows of the factor
  index_t cols() const noexcept { return rows_.cols; }          ///< columns of the factor
  const CsrRows<T>& csr() const noexcept { return rows_; }      ///< its stored entries

 private:
  CsrRows<T> rows_;
};

/// Rows of factors[0] (x) factors[1] (x) ..., of any shapes; all of them, or `rows` only.
///
/// Local; nothing but these rows is formed, allocated at their exact size, the same to the bit
/// however they are cut.
/// @throws DimensionError   rows outside the matrix
/// @throws InvalidArgument  no factors; a dimension above 64 bits
/// Cost: the size of the result.
template <Scalar T>
KRONSOLVE_EXPORT CsrRows<T> kron(const std::vector<KronFactor<T>>& factors,
                                 std::optional<RowRange> rows = {});
/// The product as an operator that builds its rows when they are asked for. Local; holds the
/// factors.
/// @throws InvalidArgument  as kron
template <Scalar T>
KRONSOLVE_EXPORT Lazy<T> lazy_kron(std::vector<KronFactor<T>> factors);

/// What happens to site numbers outside [0, sites): -1 always is the last site.
enum class SiteNumbers {
  strict,  ///< [-sites, sites) is allowed
  cyclic   ///< any number, modulo the number of sites
};

/// Operators on some of the sites with dimensions `dims`, identities on the others.
///
/// One operator of the dimension of a site is put on every given site. Otherwise operators take
/// sites in the order given, each as many as its dimension needs: `ikron({swap}, {2, 2, 2}, {2,
/// 0})` acts on sites 2 and 0, its leading factor on site 2. Fewer operators than sites are used
/// again from the first. A dimension of -1 is that of the operator on the site.
/// @throws InvalidArgument  a site given twice or outside, no sites, operators that are not square
///                          or do not fill the sites
template <Scalar T>
KRONSOLVE_EXPORT CsrRows<T> ikron(const std::vector<KronFactor<T>>& operators,
                                  const std::vector<int>& dims, const std::vector<int>& sites,
                                  std::optional<RowRange> rows = {},
                                  SiteNumbers numbers = SiteNumbers::strict);
/// As ikron, built when rows are asked for. Local; holds the operators.
/// @throws InvalidArgument  as ikron
template <Scalar T>
KRONSOLVE_EXPORT Lazy<T> lazy_ikron(const std::vector<KronFactor<T>>& operators,
                                    const std::vector<int>& dims, const std::vector<int>& sites,
                                    SiteNumbers numbers = SiteNumbers::strict);

/// One operator on several sites in the order given, identities on the others: `ikron` of one
/// operator that covers them all.
/// @throws InvalidArgument  as ikron; the operator's dimension is not that of the sites together
template <Scalar T>
KRONSOLVE_EXPORT CsrRows<T> pkron(const KronFactor<T>& op, const std::vector<int>& dims,
                                  const std::vector<int>& sites, std::optional<RowRange> rows = {},
                                  SiteNumbers numbers = SiteNumbers::strict);
/// As pkron, built when rows are asked for. Local; holds the operator.
/// @throws InvalidArgument  as pkron
template <Scalar T>
KRONSOLVE_EXPORT Lazy<T> lazy_pkron(const KronFactor<T>& op, const std::vector<int>& dims,
                                    const std::vector<int>& sites,
                                    SiteNumbers numbers = SiteNumbers::strict);

/// Site numbers of coordinates (x, y) on LX x LY sites, site = x*LY + y; negative and cyclic as for
/// sites.
/// @throws InvalidArgument  a coordinate outside
KRONSOLVE_EXPORT std::vector<int> site_numbers(std::pair<int, int> lengths,
                                               const std::vector<std::pair<int, int>>& coordinates,
                                               SiteNumbers numbers = SiteNumbers::strict);

/// Rows as a dense row-major array of range.size() * cols entries.
/// @throws InvalidArgument  they do not fit into memory
template <Scalar T>
KRONSOLVE_EXPORT std::vector<T> to_dense(const CsrRows<T>& rows);

#define KRONSOLVE_DECLARE(T) extern template class KronFactor<T>;
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DECLARE)
#undef KRONSOLVE_DECLARE

}  // namespace kronsolve
