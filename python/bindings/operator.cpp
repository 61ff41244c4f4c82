#include "operator.hpp"

#include <algorithm>

#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "python_error.hpp"

namespace kronsolve::python {

namespace {

template <class T>
LargeVector<T> copied(const py::handle& array, const char* what) {
  const auto values = numbers_of<T, py::array::c_style>(array, what);
  return {values.data(), values.data() + values.size()};
}

}  // namespace

std::string PythonRows::pickle() const {
  const py::gil_scoped_acquire locked;
  return calling("Lazy: the builder of rows cannot be sent to a worker: pickle", [&] {
    return py::module_::import("kronsolve._remote").attr("packed")(*build_).cast<std::string>();
  });
}

void PythonRows::unpickle(std::string text) {
  const py::gil_scoped_acquire locked;
  build_ = shared_object(calling("Lazy: the builder of rows cannot be read: pickle", [&] {
    return py::object(py::module_::import("kronsolve._remote").attr("unpacked")(py::bytes(text)));
  }));
}

template <Scalar T>
CsrRows<T> PythonRowsOf<T>::operator()(RowRange range) const {
  const py::gil_scoped_acquire locked;
  return calling("Lazy: the builder of rows", [&] {
    const py::tuple parts = (*build_)(range.begin, range.end);
    CsrRows<T> rows;
    rows.range = range;
    rows.cols = cols_;
    rows.offsets = copied<index_t>(parts[0], "Lazy: the offsets of rows");
    rows.columns = copied<index_t>(parts[1], "Lazy: the columns of rows");
    rows.values = copied<T>(parts[2], "Lazy: the values of rows");
    return rows;
  });
}
template class PythonRowsOf<double>;
template class PythonRowsOf<std::complex<double>>;

Operator::Operator(OpSum op, std::optional<Lattice> lattice)
    : sum_(std::move(op)), lattice_(std::move(lattice)) {
  sector_.spaces = sum_->spaces();
}

Operator::Operator(OpSum op, Sector sector, std::optional<Lattice> lattice)
    : sum_(std::move(op)), sector_(std::move(sector)), lattice_(std::move(lattice)) {}

Operator::Operator(const py::object& build, index_t rows, index_t cols, ScalarKind scalar)
    : user_{shared_object(build), rows, cols}, scalar_(scalar) {}

const OpSum& Operator::op(const char* what) const {
  if (!sum_)
    throw InvalidArgument(
        detail::concat(what, " needs an operator sum; rows of the user (Lazy) have no sites"));
  return *sum_;
}

const Sector& Operator::sector() const { return sector_; }

Lattice Operator::lattice_or_chain() const {
  return lattice_ ? *lattice_ : Lattice::chain(op().sites());
}

index_t Operator::rows() const { return sum_ ? portable().rows() : user_.rows; }
index_t Operator::cols() const { return sum_ ? portable().cols() : user_.cols; }

const PortableOperator& Operator::portable() const {
  const std::lock_guard lock(mutex_);
  const auto pickled = [&]<Scalar T>() {
    return std::make_unique<PortableOperator>(
        PortableLazy<T>(user_.rows, user_.cols, PythonRowsOf<T>(user_.build, user_.cols)));
  };
  if (portable_) return *portable_;
  if (!sum_)
    portable_ = *scalar_ == ScalarKind::real ? pickled.template operator()<double>()
                                             : pickled.template operator()<std::complex<double>>();
  else if (sector_.is_full())
    portable_ = std::make_unique<PortableOperator>(op());
  else
    portable_ = std::make_unique<PortableOperator>(op(), sector_);
  return *portable_;
}

ScalarKind Operator::scalar() const {
  const std::lock_guard lock(mutex_);
  if (!scalar_) {
    if (sector_.generators.empty())
      scalar_ = sum_->scalar();
    else
      scalar_ = SectorOperator{*sum_, std::make_shared<const CountedBasis>(sector_)}.scalar();
  }
  return *scalar_;
}

std::shared_ptr<const Basis> Operator::basis() const {
  (void)op("a basis");
  const std::lock_guard lock(mutex_);
  if (!basis_) basis_ = portable().basis(*alone());
  return basis_;
}

SectorOperator Operator::on(const Comm& comm) const {
  if (comm.size() == 1) return here();
  return {op(), portable().basis(comm)};
}

template <Scalar T>
Lazy<T> Operator::lazy() const {
  const std::lock_guard lock(products_);
  auto& kept = std::get<std::optional<Lazy<T>>>(lazy_);
  if (!kept && sum_) kept = make_lazy<T>(here());
  if (!kept) {
    if (scalar_kind<T> != *scalar_)
      throw InvalidArgument(detail::concat("the rows are ", to_string(*scalar_), " and ",
                                           to_string(scalar_kind<T>),
                                           " ones are needed; give a Lazy with dtype=complex"));
    kept.emplace(user_.rows, user_.cols, PythonRowsOf<T>(user_.build, user_.cols));
  }
  return *kept;
}

template <Scalar T>
std::unique_ptr<LinearMap<T>> Operator::make_map(const Comm& comm) const {
  if (sum_) return make_operator_map<T>(comm, on(comm));
  const Lazy<T> rows = lazy<T>();
  const RowPartition dealt(rows.rows(), comm.size());
  if (rows.rows() == rows.cols()) return std::make_unique<AssembledMap<T>>(comm, rows, dealt);
  return std::make_unique<AssembledMap<T>>(comm, rows, dealt,
                                           RowPartition(rows.cols(), comm.size()));
}

template <Scalar T>
void Operator::apply(std::span<const T> x, std::span<T> y, Side side) const {
  const std::lock_guard lock(products_);
  if constexpr (is_complex<T>) {
    // Rows of the user that are real are real for both parts.
    if (!sum_ && scalar() == ScalarKind::real) {
      const auto n = static_cast<index_t>(x.size()), m = static_cast<index_t>(y.size());
      Buffer<double> re(n), im(n), out_re(m), out_im(m);
      vec::split(x, re.span(), im.span());
      apply<double>(re.span(), out_re.span(), side);
      apply<double>(im.span(), out_im.span(), side);
      for (index_t i = 0; i < m; ++i)
        y[static_cast<std::size_t>(i)] = {out_re.data()[i], out_im.data()[i]};
      return;
    }
  }
  auto& map = std::get<std::unique_ptr<LinearMap<T>>>(maps_);
  if (!map) map = make_map<T>(*alone());
  if (side == Side::plain)
    map->apply(x, y);
  else
    map->apply_adjoint(x, y);
}

#define KRONSOLVE_INSTANTIATE(T)                                                  \
  template Lazy<T> Operator::lazy<T>() const;                                     \
  template void Operator::apply<T>(std::span<const T>, std::span<T>, Side) const; \
  template std::unique_ptr<LinearMap<T>> Operator::make_map<T>(const Comm&) const;
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::python
