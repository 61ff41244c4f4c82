// What is measured of states.

#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "solving.hpp"

namespace kronsolve::python {

namespace {

using Complex = std::complex<double>;

/// Amplitudes of this rank on the basis of an operator. The array may be the user's own: it is kept,
/// not copied.
class State {
 public:
  State(SharedOperator h, SharedComm comm, py::array amplitudes)
      : h_(std::move(h)), comm_(std::move(comm)), amplitudes_(std::move(amplitudes)) {
    on_ = h_->on(*comm_);
    const index_t mine = on_.basis->partition(comm_->size()).range(comm_->rank()).size();
    if (amplitudes_.ndim() != 1 || amplitudes_.size() != mine)
      throw DimensionError(detail::concat("State: ", amplitudes_.size(),
                                          " amplitudes for a basis of ", mine, " states"));
  }
  /// Collective.
  /// @throws InvalidArgument  an amplitude is NaN or infinite
  void require_finite() const {
    const bool finite =
        is_complex() ? vec::all_finite(span<Complex>()) : vec::all_finite(span<double>());
    comm_->require_all(finite, "State: an amplitude is NaN, infinite or too large");
  }

  const py::array& amplitudes() const { return amplitudes_; }
  const SharedOperator& h() const { return h_; }
  const Comm& comm() const { return *comm_; }
  std::shared_ptr<Comm> shared_comm() const { return std::const_pointer_cast<Comm>(comm_); }
  bool is_complex() const { return amplitudes_.dtype().kind() == 'c'; }

  /// f(view) without the lock of the interpreter.
  template <class F>
  auto look(F&& f) const {
    if (is_complex()) return look_as<Complex>(std::forward<F>(f));
    return look_as<double>(std::forward<F>(f));
  }
  /// f(view, view of other): both complex if one is.
  template <class F>
  Complex look_at_both(const State& other, F&& f) const {
    if (is_complex() == other.is_complex())
      return look([&]<Scalar T>(const StateView<T>& psi) {
        return Complex(f(psi, StateView<T>(*other.comm_, *other.on_.basis, other.span<T>())));
      });
    const State a = as_complex(), b = other.as_complex();
    return a.look_at_both(b, f);
  }
  State as_complex() const {
    if (is_complex()) return *this;
    return State(h_, comm_, py::array_t<Complex, py::array::forcecast>(amplitudes_));
  }
  const SectorOperator& on() const { return on_; }

  template <Scalar T>
  std::span<const T> span() const {
    return {static_cast<const T*>(amplitudes_.data()),
            static_cast<std::size_t>(amplitudes_.size())};
  }

 private:
  template <Scalar T, class F>
  auto look_as(F&& f) const {
    const auto owned = span<T>();
    return computing([&] { return f(StateView<T>(*comm_, *on_.basis, owned)); });
  }
  SharedOperator h_;
  SharedComm comm_;
  py::array amplitudes_;
  SectorOperator on_;
};

py::array described(const SharedOperator& h, const std::string& text, std::uint64_t seed,
                    bool complex, const SharedComm& given) {
  const SharedComm comm = given ? given : alone();
  const SectorOperator on = h->on(*comm);
  const auto description = parse_state(text, on.op.spaces(), seed);
  const auto make = [&]<Scalar T>() -> py::array {
    return array_of(computing([&] { return make_state<T>(*comm, *on.basis, description); }));
  };
  if (complex || description.scalar() == ScalarKind::complex)
    return make.template operator()<Complex>();
  return make.template operator()<double>();
}

py::array product(const SharedOperator& h, const std::vector<std::vector<Complex>>& spinors) {
  const SectorOperator on = h->here();
  const auto description = product_state(on.op.spaces(), spinors);
  return array_of(computing([&] { return make_state<Complex>(*alone(), *on.basis, description); }));
}

ObservableValue observed(const State& s, const std::string& text, const State* reference) {
  return s.look([&]<Scalar T>(const StateView<T>& psi) {
    const auto observable =
        Observable::parse(s.comm(), text, psi.basis(), s.h()->lattice_or_chain());
    ObservableContext<T> context;
    context.hamiltonian = &s.h()->op();
    if (reference != nullptr) {
      if (reference->is_complex() != is_complex<T>)
        throw InvalidArgument("observe: the reference must be real or complex as the state is");
      context.reference.emplace(reference->comm(), *reference->on().basis,
                                reference->template span<T>());
    }
    return evaluate(std::span<const Observable>(&observable, 1), psi, context).front();
  });
}

// ---- what evolutions have recorded, as it is pickled --------------------------------------------

py::tuple taken_apart(const Recorded& recorded) {
  py::list all;
  for (const auto& [text, values] : recorded.all) {
    py::list times;
    for (const auto& v : values)
      times.append(py::make_tuple(int(v.shape), v.scalar == ScalarKind::complex, v.rows, v.cols,
                                  array_of(v.values), v.scale, v.axis, v.note));
    all.append(py::make_tuple(text, times));
  }
  return py::make_tuple(all);
}

Recorded put_together(const py::tuple& parts) {
  Recorded recorded;
  for (const auto& item : parts[0]) {
    const auto pair = item.cast<py::tuple>();
    RecordedObservable one{pair[0].cast<std::string>(), {}};
    for (const auto& value : pair[1]) {
      const auto v = value.cast<py::tuple>();
      one.values.push_back({.shape = static_cast<ObservableValue::Shape>(v[0].cast<int>()),
                            .scalar = v[1].cast<bool>() ? ScalarKind::complex : ScalarKind::real,
                            .rows = v[2].cast<index_t>(),
                            .cols = v[3].cast<index_t>(),
                            .values = v[4].cast<std::vector<Complex>>(),
                            .scale = v[5].cast<double>(),
                            .axis = v[6].cast<std::string>(),
                            .note = v[7].cast<std::string>()});
    }
    recorded.all.push_back(std::move(one));
  }
  return recorded;
}

/// Observables of several states as a file takes them.
Recorded record(const std::vector<const State*>& states, const std::vector<std::string>& names) {
  Recorded recorded;
  for (const auto& name : names) recorded.all.push_back({name, {}});
  for (const State* s : states)
    for (std::size_t i = 0; i < names.size(); ++i)
      recorded.all[i].values.push_back(observed(*s, names[i], nullptr));
  return recorded;
}

EntropyOptions entropy_options(double alpha, bool bits) {
  return {alpha, bits ? EntropyUnit::bits : EntropyUnit::nats};
}

py::array square(std::vector<Complex> values, bool real) {
  py::ssize_t n = 0;
  while (n * n < static_cast<py::ssize_t>(values.size())) ++n;
  py::array a = array_of(std::move(values));
  a = a.attr("reshape")(n, n).cast<py::array>();
  return real ? a.attr("real").attr("copy")().cast<py::array>() : a;
}

}  // namespace

py::object value_of(const ObservableValue& v) {
  using Shape = ObservableValue::Shape;
  const bool real = v.scalar == ScalarKind::real;
  if (v.shape == Shape::number)
    return real ? py::object(py::float_(v.values.front().real())) : py::cast(v.values.front());
  py::object a;
  if (real) {
    std::vector<double> parts;
    for (const auto z : v.values) parts.push_back(z.real());
    a = array_of(std::move(parts));
  } else {
    a = array_of(std::vector<Complex>(v.values));
  }
  return v.shape == Shape::matrix ? py::object(a.attr("reshape")(v.rows, v.cols)) : a;
}

void bind_measure(py::module_& m) {
  m.def("described_state", &described);
  m.def("product_state", &product);
  py::class_<State>(m, "State")
      .def(py::init([](SharedOperator h, const std::shared_ptr<Comm>& comm, py::array a) {
        State s(std::move(h), comm ? SharedComm(comm) : alone(), std::move(a));
        computing([&] { s.require_finite(); });
        return s;
      }))
      .def_property_readonly("amplitudes", &State::amplitudes)
      .def_property_readonly("h", &State::h)
      .def_property_readonly("comm", &State::shared_comm)
      .def("norm", [](const State& s) { return s.look([](const auto& psi) { return norm(psi); }); })
      .def("overlap",
           [](const State& a, const State& b) {
             return a.look_at_both(b, [](const auto& x, const auto& y) { return overlap(x, y); });
           })
      .def("matrix_element",
           [](const State& a, const Operator& op, const State& b) {
             return a.look_at_both(
                 b, [&](const auto& x, const auto& y) { return matrix_element(x, op.op(), y); });
           })
      .def("expectation",
           [](const State& s, const Operator& op) {
             return s.look([&](const auto& psi) { return expectation(psi, op.op()); });
           })
      .def("variance",
           [](const State& s, const Operator& op) {
             return s.look([&](const auto& psi) { return variance(psi, op.op()); });
           })
      .def("fidelity",
           [](const State& a, const State& b) {
             return a
                 .look_at_both(b,
                               [](const auto& x, const auto& y) { return Complex(fidelity(x, y)); })
                 .real();
           })
      .def("amplitude",
           [](const State& s, const std::vector<int>& digits) {
             return s.look([&](const auto& psi) { return Complex(amplitude(psi, digits)); });
           })
      .def("site_profile",
           [](const State& s, const std::string& op) {
             return array_of(s.look([&](const auto& psi) { return site_profile(psi, op); }));
           })
      .def("correlation_matrix",
           [](const State& s, const std::string& a, const std::string& b) {
             return square(s.look([&](const auto& psi) { return correlation_matrix(psi, a, b); }),
                           false);
           })
      .def("entanglement_entropy",
           [](const State& s, const std::vector<int>& sites, double alpha, bool bits) {
             return s.look([&](const auto& psi) {
               return entanglement_entropy(psi, sites, entropy_options(alpha, bits));
             });
           })
      .def("mutual_information",
           [](const State& s, const std::vector<int>& a, const std::vector<int>& b, double alpha,
              bool bits) {
             return s.look([&](const auto& psi) {
               return mutual_information(psi, a, b, entropy_options(alpha, bits));
             });
           })
      .def("logarithmic_negativity",
           [](const State& s, const std::vector<int>& a, const std::vector<int>& b) {
             return s.look([&](const auto& psi) { return logarithmic_negativity(psi, a, b); });
           })
      .def("schmidt_values",
           [](const State& s, const std::vector<int>& sites) {
             return array_of(s.look([&](const auto& psi) { return schmidt_values(psi, sites); }));
           })
      .def("reduced_density_matrix",
           [](const State& s, const std::vector<int>& sites) {
             return square(s.look([&](const auto& psi) {
               const auto rho = reduced_density_matrix(psi, sites);
               return std::vector<Complex>(rho.values.begin(), rho.values.end());
             }),
                           !s.is_complex());
           })
      .def("observe", [](const State& s, const std::string& text, const State* reference) {
        return value_of(observed(s, text, reference));
      });
  py::class_<Recorded>(m, "Recorded").def(py::pickle(&taken_apart, &put_together));
  m.def("record", &record);
}

}  // namespace kronsolve::python
