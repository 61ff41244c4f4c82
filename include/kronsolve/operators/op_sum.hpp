#pragma once

#include <complex>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/canonical_form.hpp>
#include <kronsolve/operators/local_matrix.hpp>
#include <kronsolve/operators/local_space.hpp>

namespace kronsolve {

/// One named local operator on one site.
struct OpFactor {
  std::string op;  ///< name of a local operator: "Sz", "C+"
  int site = 0;    ///< from 0
  friend bool operator==(const OpFactor&, const OpFactor&) = default;
};

/// coefficient * factors[0] * factors[1] * ... as written.
struct OpTerm {
  std::complex<double> coefficient;  ///< real for most terms
  /// Applied from the last to the first, as written; none: the identity.
  std::vector<OpFactor> factors;
  friend bool operator==(const OpTerm&, const OpTerm&) = default;
};

/// One site's matrix in a product term.
struct SiteMatrix {
  int site = 0;        ///< from 0
  LocalMatrix matrix;  ///< on the states of that site
  friend bool operator==(const SiteMatrix&, const SiteMatrix&) = default;
};

/// coefficient * a Kronecker product of matrices, sites ascending, each site at most once, no
/// identities. Jordan-Wigner strings are explicit: they are ordinary diagonal factors here.
struct ProductTerm {
  std::complex<double> coefficient;  ///< real for most terms
  std::vector<SiteMatrix> factors;   ///< sites ascending; none: the identity
};

/// A sum of products of named local operators on numbered sites: symbolic, exact, small. Its rows
/// are built elsewhere.
///
/// A value; all operations are local. Fermion signs follow the order of the factors as written.
class KRONSOLVE_EXPORT OpSum {
 public:
  OpSum() : OpSum(1) {}  ///< zero on one spin 1/2
  /// @throws InvalidArgument  no sites
  explicit OpSum(int sites, LocalSpace space = LocalSpace());
  /// The same with a space of its own on each site.
  /// @throws InvalidArgument  no sites
  explicit OpSum(std::vector<LocalSpace> sites);

  int sites() const noexcept { return static_cast<int>(spaces_.size()); }  ///< number of sites
  /// Local space of each site.
  const std::vector<LocalSpace>& spaces() const noexcept { return spaces_; }
  /// Product of the local dimensions.
  /// @throws InvalidArgument  above 64 bits
  index_t dimension() const;
  const std::vector<OpTerm>& terms() const noexcept { return terms_; }  ///< as they were added
  /// Matrices that have been given a name.
  const std::map<std::string, LocalMatrix>& definitions() const noexcept { return definitions_; }

  /// Adds coefficient * product of factors; an empty list is a multiple of the identity.
  /// @throws InvalidArgument  NaN or infinite coefficient, site outside [0, sites), unknown
  ///                          operator for that site
  OpSum& add(std::complex<double> coefficient, std::vector<OpFactor> factors);
  /// Gives a matrix a name that `add` understands on every site of that dimension. Bosonic (no
  /// strings).
  /// @throws InvalidArgument  the name is empty or taken, an entry is not finite
  OpSum& define(const std::string& name, LocalMatrix matrix);

  /// Adds the terms of another sum on the same sites, and its definitions.
  /// @throws DimensionError   other sites
  /// @throws InvalidArgument  both define one name, as different matrices
  OpSum& operator+=(const OpSum& other);
  /// Subtracts; as above.
  OpSum& operator-=(const OpSum& other);
  OpSum& operator*=(std::complex<double> factor);  ///< every coefficient times `factor`
  /// Sum; errors as of +=.
  KRONSOLVE_EXPORT friend OpSum operator+(OpSum a, const OpSum& b);
  /// Difference; errors as of +=.
  KRONSOLVE_EXPORT friend OpSum operator-(OpSum a, const OpSum& b);
  /// Multiple.
  KRONSOLVE_EXPORT friend OpSum operator*(std::complex<double> c, OpSum a);
  /// Operator product a b.
  /// @throws DimensionError  different sites
  KRONSOLVE_EXPORT friend OpSum operator*(const OpSum& a, const OpSum& b);
  OpSum adjoint() const;  ///< conjugate transpose, factors in reverse order

  /// Terms as Kronecker products of site matrices, in the order added; terms that vanish are left
  /// out.
  std::vector<ProductTerm> product_terms() const;
  /// Products of real site matrices, equal ones merged; made once and kept until the terms change.
  /// A product is dropped when it is zero or the rounding of its own summands, however large others
  /// are.
  /// @throws InvalidArgument  the terms add up to more than a double holds, naming the term
  const CanonicalForm& canonical_form() const&;
  const CanonicalForm& canonical_form() const&& = delete;  ///< it would not outlive the sum

  /// Real as a matrix in the computational basis, but for the rounding of phases.
  bool is_real() const;
  /// Of the matrix in the computational basis.
  ScalarKind scalar() const { return is_real() ? ScalarKind::real : ScalarKind::complex; }
  /// Up to rounding of the coefficients.
  bool is_hermitian() const { return !non_hermitian_part().has_value(); }
  /// Text of a term that has no Hermitian partner, judged against what it was added up from; nothing
  /// if the operator is Hermitian.
  std::optional<std::string> non_hermitian_part() const;
  /// Equality as operators.
  KRONSOLVE_EXPORT friend bool equal(const OpSum& a, const OpSum& b);

  /// "1 Sz_0 Sz_1 + 0.5 S+_0 S-_1 ...", one line; `parse` reads it back. Defined matrices are not
  /// in it.
  std::string text() const;
  /// From text: terms separated by " + " or " - ", each a coefficient (0.5, -1e-3, (0.5-2i)), which
  /// may be left out, and factors name_site or name site.
  /// @throws InvalidArgument  naming the word that is not understood, and as `add`
  static OpSum parse(std::string_view text, std::vector<LocalSpace> spaces,
                     const std::map<std::string, LocalMatrix>& definitions = {});

 private:
  struct Derived;
  class Products;
  LocalMatrix matrix(const OpFactor& factor) const;
  void forget();
  std::vector<LocalSpace> spaces_;
  std::vector<OpTerm> terms_;
  std::map<std::string, LocalMatrix> definitions_;
  std::shared_ptr<Derived> derived_;
};

/// Text of one term, "(0+0.25i) Sy_2".
KRONSOLVE_EXPORT std::string to_string(const OpTerm& term);

}  // namespace kronsolve
