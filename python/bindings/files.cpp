// Files of states: what the program saves and what is saved here, docs/files.md.

#include <mutex>

#include <kronsolve/core/hdf5_file.hpp>
#include <kronsolve/measure/saved_states.hpp>
#include <kronsolve/operators/sectors.hpp>

#include "solving.hpp"

namespace kronsolve::python {

namespace {

using Complex = std::complex<double>;

/// f() without the lock of the interpreter, one at a time: HDF5 serves one thread.
template <class F>
auto with_hdf5(F&& f) {
  static std::mutex mutex;
  return computing([&] {
    const std::lock_guard lock(mutex);
    return f();
  });
}

// ---- reading -----------------------------------------------------------------------------------

/// An array with the axes that it has in the file.
py::array array(const Hdf5File& file, const std::string& name) {
  const auto [scalar, shape] = with_hdf5([&] { return file.array(name); });
  const std::vector<py::ssize_t> axes(shape.begin(), shape.end());
  return visit_scalar(scalar, [&]<Scalar T>() -> py::array {
    py::array_t<T> values(axes);
    const std::span<T> into(values.mutable_data(), static_cast<std::size_t>(values.size()));
    with_hdf5([&] { file.read<T>(name, into); });
    return values;
  });
}

/// How many vectors an array has, and one of them.
index_t count(const Hdf5File& file, const std::string& name) {
  return with_hdf5([&] { return file.vector(name).count; });
}
py::array column(const Hdf5File& file, const std::string& name, index_t j) {
  const auto vector = with_hdf5([&] { return file.vector(name); });
  return visit_scalar(vector.scalar, [&]<Scalar T>() -> py::array {
    py::array_t<T> values(vector.rows);
    const std::span<T> into(values.mutable_data(), static_cast<std::size_t>(vector.rows));
    with_hdf5([&] { file.read_rows<T>(name, j, 0, into); });
    return values;
  });
}

/// The operator of a description in its sector, and the texts of its drives.
SharedOperator described(const std::string& text) {
  auto [model, op, conditions, lattice, drives] = parse_description(text);
  if (conditions.empty()) return std::make_shared<Operator>(std::move(op), std::move(lattice));
  Sector sector = parse_sector(op.spaces(), lattice, conditions);
  require_respects(op, sector);
  return std::make_shared<Operator>(std::move(op), std::move(sector), std::move(lattice));
}

// ---- writing -----------------------------------------------------------------------------------

/// Where something is written, and what is said of it.
class Destination {
 public:
  Destination(std::string path, SharedOperator h, const std::shared_ptr<Comm>& comm,
              std::string command_line, std::string model, std::string result,
              const std::vector<Drive>& drives)
      : path_(std::move(path)), h_(std::move(h)), comm_(comm ? SharedComm(comm) : alone()) {
    origin_ = {std::move(command_line), model, "", "", std::move(result)};
    if (h_->is_sum()) {
      basis_ = computing([&] { return h_->on(*comm_).basis; });
      origin_.basis = basis_text(*basis_);
      origin_.description = describe(
          {std::move(model), h_->op(), h_->sector().conditions, h_->lattice_or_chain(), drives});
    } else {
      origin_.basis = detail::concat("matrix of ", h_->rows(), " rows");
    }
  }

  const Operator& h() const { return *h_; }
  /// Columns with that many rows, dealt to the ranks. The list keeps them.
  VectorsView view(const py::list& columns, index_t rows) const {
    VectorsView view{basis_ ? basis_->partition(comm_->size()) : RowPartition(rows, comm_->size()),
                     {}};
    const auto fill = [&]<Scalar T>() {
      std::vector<std::span<const T>> spans;
      for (const auto& item : columns) {
        if (!py::array_t<T, py::array::c_style>::check_(item))
          throw InvalidArgument("save: vectors must be contiguous and of one dtype");
        const auto a = py::reinterpret_borrow<py::array_t<T>>(item);
        spans.emplace_back(a.data(), static_cast<std::size_t>(a.size()));
      }
      view.columns = std::move(spans);
    };
    const bool complex = !columns.empty() && py::array(columns[0]).dtype().kind() == 'c';
    complex ? fill.template operator()<Complex>() : fill.template operator()<double>();
    return view;
  }
  template <class... What>
  void save(const What&... what) const {
    with_hdf5([&] { save_states(*comm_, path_, origin_, what...); });
  }

 private:
  std::string path_;
  SharedOperator h_;
  SharedComm comm_;  // whose ranks hold a part each
  std::shared_ptr<const Basis> basis_;
  StateOrigin origin_;
};

std::span<const double> numbers(const py::dict& facts, const char* name) {
  const auto a = facts[name].cast<py::array_t<double, py::array::c_style>>();
  return {a.data(), static_cast<std::size_t>(a.size())};
}

ObservablesView observables_of(const Destination& to, const Recorded* recorded) {
  if (recorded == nullptr) return {};
  return {to.h().op("observables").sites(), recorded->all};
}

void save_pairs(const Destination& to, const py::dict& facts, const py::list& columns,
                const Recorded* recorded) {
  to.save(PairsView{numbers(facts, "eigenvalues"), numbers(facts, "residuals"),
                    to.view(columns, to.h().rows())},
          observables_of(to, recorded));
}

void save_triplets(const Destination& to, const py::dict& facts) {
  to.save(TripletsView{numbers(facts, "singular_values"), numbers(facts, "residuals"),
                       to.view(facts["left_columns"], to.h().rows()),
                       to.view(facts["right_columns"], to.h().cols())});
}

void save_evolution(const Destination& to, const py::dict& facts, const py::list& columns,
                    const Recorded* recorded) {
  to.save(EvolutionView{numbers(facts, "times"), numbers(facts, "energies"),
                        numbers(facts, "norms"), numbers(facts, "log_norms"),
                        numbers(facts, "errors"), to.view(columns, to.h().rows())},
          observables_of(to, recorded));
}

void save_state(const Destination& to, const py::list& columns) {
  to.save(to.view(columns, to.h().rows()));
}

}  // namespace

void bind_files(py::module_& m) {
  py::class_<Hdf5File>(m, "SavedFile")
      .def(py::init(
          [](const std::string& path) { return with_hdf5([&] { return Hdf5File::open(path); }); }))
      .def("text", &Hdf5File::text)
      .def("array", &array)
      .def("count", &count)
      .def("column", &column);
  m.def("described_operator", &described);
  py::class_<Destination>(m, "Destination")
      .def(py::init<std::string, SharedOperator, const std::shared_ptr<Comm>&, std::string,
                    std::string, std::string, const std::vector<Drive>&>())
      .def("save_pairs", &save_pairs)
      .def("save_triplets", &save_triplets)
      .def("save_evolution", &save_evolution)
      .def("save_state", &save_state);
}

}  // namespace kronsolve::python
