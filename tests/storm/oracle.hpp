#pragma once
// What operators, sectors and reduced states are, from first principles: Kronecker products of textbook
// matrices with Jordan-Wigner strings, signs of permuted fermions by counting inversions. Nothing of the
// library but the descriptions (LocalSpace by kind and dimension, terms as written) is used.

#include <complex>
#include <map>
#include <string>
#include <vector>

#include <Eigen/Dense>
#include <Eigen/Sparse>

#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve::storm {

using Complex = std::complex<double>;
using Index = Eigen::Index;
using Matrix = Eigen::MatrixXcd;
using Vector = Eigen::VectorXcd;
using Sparse = Eigen::SparseMatrix<Complex>;
using Spaces = std::vector<LocalSpace>;
using Terms = std::vector<OpTerm>;
using Definitions = std::map<std::string, Matrix>;

/// The textbook matrix of a named operator of one site, own electron signs included.
Matrix site_matrix(const LocalSpace& space, const std::string& op, const Definitions& definitions);

/// A sum of products on the whole space.
Sparse dense_operator(const Spaces& spaces, const Terms& terms, const Definitions& definitions);

/// Digits of a configuration, site 0 first.
std::vector<int> digits(const Spaces& spaces, Index configuration);
Index configuration(const Spaces& spaces, const std::vector<int>& digits);
Index dimension(const Spaces& spaces);

/// What a digit counts for a charge: sz (twice), n, nup, ndown, parity.
int charge_of(const LocalSpace& space, const std::string& charge, int digit);
int charge_of(const Spaces& spaces, const std::string& charge, const std::vector<int>& digits);

/// A permutation of sites, with or without a flip of all spins.
struct Symmetry {
  std::vector<int> image;
  bool flip = false;
  int turns = 0, of = 1;  ///< psi is taken to exp(2 pi i turns / of) psi
};

/// Where a configuration goes, and its sign.
std::pair<Index, int> image_of(const Spaces& spaces, const Symmetry& symmetry, Index configuration);

/// The states of a sector.
struct Subspace {
  std::vector<Index> configurations;  ///< with the charges, ascending
  Matrix basis;                       ///< orthonormal columns on those configurations
};
using Charges = std::vector<std::pair<std::string, int>>;
Subspace subspace(const Spaces& spaces, const Charges& charges,
                  const std::vector<Symmetry>& symmetries);

/// psi(chosen sites, other sites) with the signs of |a, b> = (operators of the chosen)(operators of the
/// others)|0>.
Matrix bipartite(const Spaces& spaces, const Vector& psi, const std::vector<int>& chosen);

}  // namespace kronsolve::storm
