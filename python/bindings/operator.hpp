#pragma once
// What Python calls an operator: a description, and what its products need, made on first use.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/portable_operator.hpp>

#include "common.hpp"

namespace kronsolve::python {

/// Rows of a function of Python: `build(begin, end)` gives (offsets, columns, values). Travels as
/// its pickle.
class PythonRows {
 public:
  PythonRows() = default;
  explicit PythonRows(std::shared_ptr<py::object> build) : build_(std::move(build)) {}

  template <class Archive>
  void save(Archive& archive) const {
    archive(pickle());
  }
  template <class Archive>
  void load(Archive& archive) {
    std::string text;
    archive(text);
    unpickle(std::move(text));
  }

 protected:
  std::string pickle() const;
  void unpickle(std::string text);
  std::shared_ptr<py::object> build_;
};

template <Scalar T>
class PythonRowsOf : public PythonRows {
 public:
  PythonRowsOf() = default;
  PythonRowsOf(std::shared_ptr<py::object> build, index_t cols)
      : PythonRows(std::move(build)), cols_(cols) {}
  CsrRows<T> operator()(RowRange range) const;

  template <class Archive>
  void save(Archive& archive) const {
    PythonRows::save(archive);
    archive(cols_);
  }
  template <class Archive>
  void load(Archive& archive) {
    PythonRows::load(archive);
    archive(cols_);
  }

 private:
  index_t cols_ = 0;
};

/// An operator sum in a sector of its sites, or rows of the user.
///
/// Products are made here, in this process; solvers take `portable()`.
class Operator {
 public:
  explicit Operator(OpSum op, std::optional<Lattice> lattice = {});
  Operator(OpSum op, Sector sector, std::optional<Lattice> lattice);
  /// Rows of a function of Python.
  Operator(const py::object& build, index_t rows, index_t cols, ScalarKind scalar);

  bool is_sum() const noexcept { return sum_.has_value(); }
  /// @throws InvalidArgument  rows of the user
  const OpSum& op(const char* what = "this") const;
  const Sector& sector() const;
  const std::optional<Lattice>& lattice() const noexcept { return lattice_; }
  Lattice lattice_or_chain() const;

  index_t rows() const;
  index_t cols() const;
  /// Of the operator in its sector.
  ScalarKind scalar() const;
  /// As it is sent to workers: rows of the user are pickled.
  const PortableOperator& portable() const;
  /// @throws InvalidArgument  rows of the user
  std::shared_ptr<const Basis> basis() const;
  SectorOperator on(const Comm& comm) const;
  /// On this process.
  SectorOperator here() const { return {op(), basis()}; }
  /// Its rows, made in this process. Without the lock of the interpreter.
  /// @throws InvalidArgument  T is not the scalar of rows of the user
  template <Scalar T>
  Lazy<T> lazy() const;

  enum class Side { plain, adjoint };
  /// y = A x or A^H x, one product at a time.
  template <Scalar T>
  void apply(std::span<const T> x, std::span<T> y, Side side) const;
  /// The product as T, for solvers that take one; it must not be used together with `apply`.
  template <Scalar T>
  std::unique_ptr<LinearMap<T>> make_map(const Comm& comm) const;

 private:
  struct UserRows {
    std::shared_ptr<py::object> build;
    index_t rows = 0, cols = 0;
  };
  std::optional<OpSum> sum_;
  UserRows user_;
  Sector sector_;
  std::optional<Lattice> lattice_;
  mutable std::recursive_mutex mutex_;  // of what follows; nothing calls Python under it
  mutable std::unique_ptr<PortableOperator> portable_;
  mutable std::shared_ptr<const Basis> basis_;
  mutable std::optional<ScalarKind> scalar_;
  mutable std::recursive_mutex
      products_;  // of what follows; only locked without the lock of Python
  mutable std::tuple<std::unique_ptr<LinearMap<double>>,
                     std::unique_ptr<LinearMap<std::complex<double>>>>
      maps_;
  mutable std::tuple<std::optional<Lazy<double>>, std::optional<Lazy<std::complex<double>>>> lazy_;
};

using SharedOperator = std::shared_ptr<Operator>;

}  // namespace kronsolve::python
