#pragma once

#include <complex>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/portable_lazy.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/serialize.hpp>

namespace kronsolve {

/// An operator sum and the conditions of its sector; no basis is made. A value.
struct SumInSector {
  OpSum op;       ///< the operator
  Sector sector;  ///< no conditions: the full space
  template <class Archive>
  void serialize(Archive& archive) {
    archive(op, sector);
  }
};

/// An operator as a description that can be sent anywhere: an operator sum with the conditions of
/// its sector, or rows of the user. Nothing is listed and no matrix is held. A value.
class KRONSOLVE_EXPORT PortableOperator {
 public:
  /// What it can be made of.
  using Content =
      std::variant<SumInSector, PortableLazy<double>, PortableLazy<std::complex<double>>>;

  PortableOperator() = default;
  /// On the full space of its sites.
  PortableOperator(OpSum op);  // NOLINT: converts, like the others: on the full space
  /// @throws InvalidArgument  the operator does not respect the sector, which may have symmetries
  PortableOperator(OpSum op, Sector sector);
  /// @throws NotSupported  a basis of a user's own
  PortableOperator(const SectorOperator& h);  // NOLINT
  /// Rows of the user.
  template <Scalar T>
  PortableOperator(PortableLazy<T> rows)  // NOLINT
      : rows_(rows.rows()), cols_(rows.cols()), content_(std::move(rows)) {}

  index_t rows() const noexcept { return rows_; }  ///< dimension: of the sector, or of the rows
  index_t cols() const noexcept { return cols_; }  ///< the same for square operators
  const Content& content() const noexcept { return content_; }  ///< what it was made of
  /// The sum and its sector; null for rows of the user.
  const SumInSector* sum() const noexcept { return std::get_if<SumInSector>(&content_); }
  /// The basis of a sum; null for rows of the user. Collective on `comm`, which must outlive it, if
  /// the sector has symmetries; then a new list is made, else one basis is shared.
  std::shared_ptr<const Basis> basis(const Comm& comm) const;
  std::shared_ptr<const Basis> basis(const Comm&&) const = delete;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows_, cols_, content_);
  }

 private:
  index_t rows_ = 0, cols_ = 0;
  Content content_;
  std::shared_ptr<const Basis> basis_;  // of sums without symmetries, if known; does not travel
};

}  // namespace kronsolve
