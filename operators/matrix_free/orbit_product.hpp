#pragma once
// The product of an operator in a symmetry sector without stored rows.

#include <functional>
#include <span>
#include <vector>

#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/sector_operator.hpp>

#include "operators/rows/orbit_rows.hpp"

namespace kronsolve::detail {

/// Rows whose lists stay in the second-level cache.
inline constexpr index_t orbit_piece_rows = 256;
/// Rows of a rank that ranks talk of at a time.
inline constexpr index_t orbit_round_rows = 64 * orbit_piece_rows;

/// y = A x between orbits: each product computes every row again, images under the whole group and
/// look-ups of their representatives included. Kept are tables of the size of the group times the
/// terms. Ranks ask each other for the entries of x that they lack, batch by batch.
///
/// What a representative's entry takes is one addition of tables for each element of the group, a
/// search in the list, and an entry of x from anywhere: three to six times what a stored entry
/// takes (docs/benchmarks.md).
template <Scalar T>
class OrbitProduct final : public LinearMap<T> {
 public:
  /// Collective on the communicator of the basis, which is the map's too.
  /// @pre the basis has orbits that are listed
  /// @throws as make_matrix_free
  explicit OrbitProduct(const SectorOperator& h);

  index_t memory_bytes() const noexcept override;

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override;
  T apply_recurrence_impl(std::span<const T> x, double beta, std::span<T> y) const override;

 private:
  /// Entries of some rows, one row after the other, and what becomes of them.
  struct Piece {
    std::vector<index_t> ends;  ///< of the rows, in the lists
    std::vector<T> diagonal, sums;
    std::vector<name_t> columns;  ///< with room to spare, as `values`
    std::vector<T> values, found;
    std::span<const name_t> wanted() const noexcept {
      return {columns.data(), ends.empty() ? 0 : static_cast<std::size_t>(ends.back())};
    }
  };
  /// Calls use(first local row, sums) for pieces of A x, on any thread. Collective.
  template <class Use>
  void multiply(std::span<const T> x, Use&& use) const;
  template <class Use>
  void multiply_among_ranks(std::span<const T> x, Use&& use) const;
  void compute(OrbitRows<T>& rows, RowRange local, Piece& piece) const;
  void look_up(std::span<const name_t> representatives, std::span<const T> x,
               std::span<T> found) const;
  void add_up(RowRange local, std::span<const T> x, std::span<const T> found, Piece& piece) const;

  SectorOperator h_;
  const SymmetryBasis* basis_;
  CompiledOperator<T> op_;
  GroupAction::Steps steps_;
  std::vector<double> roots_;  ///< by order of a stabiliser
};

/// @throws as make_matrix_free
void require_orbit_product(const SectorOperator& h, ScalarKind scalar);

/// What it is known to take, before there is one. It is better than stored rows where these do not
/// fit into memory beside two vectors.
/// @param fits  do so many bytes of each rank?
MatrixFreePlan plan_orbit_product(const SectorOperator& h, ScalarKind scalar, int ranks,
                                  const std::function<bool(index_t)>& fits);

}  // namespace kronsolve::detail
