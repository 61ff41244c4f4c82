// Solvers on a communicator; those of the session stand in session.cpp.

#include <cmath>
#include <exception>
#include <limits>

#include <kronsolve/measure/evolution_recorder.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/measure/out_of_time_order.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/solvers/density_of_states.hpp>
#include <kronsolve/solvers/driven.hpp>
#include <kronsolve/solvers/eig.hpp>
#include <kronsolve/solvers/eigh_interval.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/solve.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

#include "python_error.hpp"
#include "solving.hpp"

namespace kronsolve::python {

namespace {

using Complex = std::complex<double>;

/// f(rows) with the rows of the operator, real or complex.
template <class F>
auto with_rows(const Operator& a, F&& f) {
  return a.scalar() == ScalarKind::real ? f(a.lazy<double>()) : f(a.lazy<Complex>());
}

/// f.operator()<T>(map) with the product of the operator.
template <class F>
auto with_map(const Operator& a, const Comm& comm, F&& f) {
  if (a.scalar() == ScalarKind::real)
    return f.template operator()<double>(*a.make_map<double>(comm));
  return f.template operator()<Complex>(*a.make_map<Complex>(comm));
}

RowPartition partition_of(const Operator& a, const Comm& comm) {
  return a.is_sum() ? a.on(comm).basis->partition(comm.size())
                    : RowPartition(a.rows(), comm.size());
}

// ---- eigenpairs --------------------------------------------------------------------------------

/// The given start vector cut to the rows of this rank.
void cut_start(EighOptions& o, const Operator& h, const Comm& comm) {
  if (comm.size() == 1 || o.start.index() == 0) return;
  const RowRange mine = partition_of(h, comm).range(comm.rank());
  std::visit(
      [&]<class V>(V& start) {
        if constexpr (!std::same_as<V, std::monostate>)
          if (static_cast<index_t>(start.size()) == h.rows())
            start = V(start.begin() + mine.begin, start.begin() + mine.end);
      },
      o.start);
}

template <Scalar T>
DistributedVectors<T> vectors_from(const py::list& columns, const RowPartition& rows, int rank) {
  DistributedVectors<T> vectors(rows, rank, static_cast<index_t>(columns.size()));
  const RowRange mine = rows.range(rank);
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const auto a = numbers_of<T>(columns[j], "a vector");
    const bool whole = a.size() == rows.rows();
    if (!whole && a.size() != mine.size())
      throw DimensionError(detail::concat("a vector has ", a.size(), " entries, the operator ",
                                          rows.rows(), " rows"));
    const T* const first = a.data() + (whole ? mine.begin : 0);
    std::copy(first, first + mine.size(), vectors.column(index_t(j)).begin());
  }
  return vectors;
}

/// Whole vectors on every rank.
template <Scalar T>
void make_whole(const Comm& comm, DistributedVectors<T>& vectors) {
  if (comm.size() == 1 || vectors.count() == 0) return;
  DistributedVectors<T> all(RowPartition(vectors.partition().rows(), 1), 0, vectors.count());
  for (index_t j = 0; j < vectors.count(); ++j) {
    const auto whole = vectors.gather_to_all(comm, j);
    std::copy(whole.begin(), whole.end(), all.column(j).begin());
  }
  vectors = std::move(all);
}
template <class Variant>
void make_whole_any(const Comm& comm, Variant& vectors) {
  std::visit([&](auto& v) { make_whole(comm, v); }, vectors);
}

py::dict eigh_on(const Operator& h, const py::dict& given, const SharedComm& comm, bool gather,
                 const py::object& progress) {
  EighOptions o = eigh_options(given);
  const ProgressCall tell(progress);
  o.progress = tell.function();
  const SharedComm on = comm ? comm : alone();
  std::tuple<DistributedVectors<double>, DistributedVectors<Complex>> against;
  if (given.contains("against")) {
    const py::list columns = given["against"];
    const auto rows = partition_of(h, *on);
    const auto keep = [&]<Scalar T>() {
      auto& into = std::get<DistributedVectors<T>>(against);
      into = vectors_from<T>(columns, rows, on->rank());
      o.against = &into;
    };
    if (h.scalar() == ScalarKind::real)
      keep.template operator()<double>();
    else
      keep.template operator()<Complex>();
  }
  EighResult result = computing([&] {
    cut_start(o, h, *on);
    auto r = h.is_sum() ? eigh(*on, h.on(*on), o)
                        : with_rows(h, [&](const auto& rows) { return eigh(*on, rows, o); });
    if (gather) make_whole_any(*on, r.vectors);
    return r;
  });
  py::dict d = facts(std::move(result));
  d["ranks"] = on->size();
  return d;
}

py::dict plan(const Operator& h, const py::dict& given, int ranks) {
  const EighOptions o = eigh_options(given);
  if (ranks < 1)
    throw InvalidArgument(detail::concat("plan: ranks must be at least 1, got ", ranks));
  const EighPlan p = computing(
      [&] { return plan_eigh(*alone(), in_counted_sector(h.op("plan"), h.sector()), o, ranks); });
  py::dict d;
  d["dimension"] = p.dimension;
  d["method"] = std::string(to_string(p.method));
  d["operator"] = std::string(to_string(p.form));
  d["scalar"] = std::string(to_string(p.scalar));
  d["memory_estimate_bytes"] = p.memory_estimate_bytes;
  d["memory_rank_bytes"] = p.memory_rank_bytes;
  d["fits"] = p.fits;
  d["reason"] = p.reason;
  return d;
}

py::dict eig_on(const Operator& a, const py::dict& given, const SharedComm& comm) {
  const Options from(given);
  EigOptions o;
  from.read("k", o.k);
  from.read("which", o.which,
            {EigWhich::LM, EigWhich::SM, EigWhich::LR, EigWhich::SR, EigWhich::LI, EigWhich::SI,
             EigWhich::TM});
  from.read("sigma", o.sigma);
  from.read("tol", o.tol);
  from.read("max_iterations", o.max_iterations);
  from.read("ncv", o.ncv);
  from.read("seed", o.seed);
  from.read("method", o.method, {EigMethod::automatic, EigMethod::dense, EigMethod::slepc});
  from.read("petsc_options", o.petsc_options);
  const SharedComm on = comm ? comm : alone();
  EigResult r = computing([&] {
    EigResult found = [&] {
      if (!a.is_sum()) return with_rows(a, [&](const auto& rows) { return eig(*on, rows, o); });
      const auto h = a.on(*on);
      return h.scalar() == ScalarKind::real ? eig(*on, make_lazy<double>(h), o)
                                            : eig(*on, make_lazy<Complex>(h), o);
    }();
    make_whole(*on, found.vectors);
    return found;
  });
  py::dict d = facts_of_solve(r);
  d["dimension"] = a.rows();
  d["eigenvalues"] = array_of(std::move(r.eigenvalues));
  d["converged_pairs"] = r.converged_pairs;
  d["scalar"] = std::string(to_string(r.scalar));
  d["columns"] = columns_of(std::move(r.vectors));
  return d;
}

// ---- singular values ---------------------------------------------------------------------------

py::dict svds_on(const Operator& a, const py::dict& given, const SharedComm& comm, bool gather,
                 const py::object& progress) {
  SvdsOptions o = svds_options(given);
  const ProgressCall tell(progress);
  o.progress = tell.function();
  const SharedComm on = comm ? comm : alone();
  const auto run = [&]<Scalar T>() {
    auto result = computing([&] {
      // A stored matrix has the product with its adjoint.
      const Lazy<T> rows = a.is_sum() ? make_lazy<T>(a.on(*on)) : a.lazy<T>();
      auto r = svds(*on, rows, o);
      if (gather) {
        make_whole(*on, r.left);
        make_whole(*on, r.right);
      }
      return r;
    });
    return facts(std::move(result));
  };
  py::dict d = a.scalar() == ScalarKind::real ? run.template operator()<double>()
                                              : run.template operator()<Complex>();
  d["ranks"] = on->size();
  return d;
}

// ---- time --------------------------------------------------------------------------------------

/// The state to begin with: a description put on the basis, or amplitudes.
EvolutionState start_state(const Operator& h, const Comm& comm, const py::object& given,
                           ScalarKind least, const char* what) {
  if (py::isinstance<py::str>(given)) {
    const SectorOperator on = h.on(comm);
    const auto state = parse_state(given.cast<std::string>(), on.op.spaces());
    const auto make = [&]<Scalar T>() -> EvolutionState {
      const auto owned = make_state<T>(comm, *on.basis, state);
      DistributedVectors<T> column(on.basis->partition(comm.size()), comm.rank(), 1);
      std::copy(owned.span().begin(), owned.span().end(), column.column(0).begin());
      return column;
    };
    if (least == ScalarKind::complex || state.scalar() == ScalarKind::complex)
      return make.template operator()<Complex>();
    return make.template operator()<double>();
  }
  return owned_column(comm, partition_of(h, comm), amplitudes_of(given, what), least, what);
}

py::dict expm_multiply_on(const Operator& h, Complex t, const py::object& start,
                          const py::dict& given, const SharedComm& comm, bool gather) {
  const ExpmOptions o = expm_options(given);
  const SharedComm on = comm ? comm : alone();
  const bool complex = h.scalar() == ScalarKind::complex || t.imag() != 0;
  const EvolutionState psi = start_state(
      h, *on, start, complex ? ScalarKind::complex : ScalarKind::real, "expm_multiply: the state");
  const auto run = [&]<Scalar T, Scalar V>(const DistributedVectors<V>& v) {
    auto result = computing([&] {
      const auto map = h.make_map<T>(*on);
      auto r = [&] {
        if constexpr (is_complex<V>)
          return expm_multiply(*map, t, v.column(0), o);
        else
          return expm_multiply(*map, t.real(), v.column(0), o);
      }();
      if (gather) make_whole(*on, r.vectors);
      return r;
    });
    return facts_of_function(std::move(result));
  };
  return std::visit(
      [&]<Scalar V>(const DistributedVectors<V>& v) {
        if constexpr (is_complex<V>)
          if (h.scalar() == ScalarKind::complex) return run.template operator()<Complex>(v);
        return run.template operator()<double>(v);
      },
      psi);
}

/// What is looked at on the way: named observables, operators, and a function of the user.
class Observer {
 public:
  Observer(const Operator& h, const Comm& comm, const EvolutionState& initial,
           const py::list& names, const std::vector<SharedOperator>& ops, py::object call,
           bool driven)
      : h_(&h), comm_(&comm), call_(std::move(call)) {
    for (const auto& op : ops) ops_.push_back(op->op("observe"));
    if (!h.is_sum()) {
      if (!ops_.empty() || !names.empty())
        throw InvalidArgument("evolve: rows of the user have no sites; leave `observe` empty");
      return;
    }
    on_ = h.on(comm);
    std::vector<Observable> observables;
    for (const auto& name : names) {
      observables.push_back(
          Observable::parse(comm, name.cast<std::string>(), *on_.basis, h.lattice_or_chain()));
      if (driven && observables.back().needs_hamiltonian())
        throw InvalidArgument(detail::concat("evolve: ", observables.back().text(),
                                             " is of an operator that does not depend on time; "
                                             "`energies` of the result has <H(t)>"));
    }
    if (!observables.empty()) recorder_.emplace(comm, on_, std::move(observables), initial);
  }

  EvolutionObserver function() {
    if (!recorder_ && ops_.empty() && call_.is_none()) return {};
    return [this](const EvolutionPoint& point) { return look(point); };
  }
  const std::vector<std::vector<Complex>>& expectations() const { return expectations_; }
  const std::optional<EvolutionRecorder>& recorder() const { return recorder_; }

 private:
  Continue look(const EvolutionPoint& point) {
    if (recorder_) recorder_->record(point);
    if (!ops_.empty())
      std::visit(
          [&]<Scalar V>(const DistributedVectors<V>& v) {
            auto values = kronsolve::expectations(StateView<V>(*comm_, *on_.basis, v.column(0)),
                                                  std::span<const OpSum>(ops_));
            for (auto& value : values) value /= point.norm * point.norm;
            expectations_.push_back(std::move(values));
          },
          point.state);
    const py::gil_scoped_acquire locked;
    if (call_.is_none()) return Continue::yes;
    return calling("observer", [&] {
      const py::object state = std::visit(
          [](const auto& v) -> py::object {
            using T = std::remove_const_t<typename decltype(v.column(0))::element_type>;
            const auto owned = v.column(0);  // a copy: the state goes on
            return py::array_t<T>(static_cast<py::ssize_t>(owned.size()), owned.data());
          },
          point.state);
      const py::object answer = call_(point.time, state);
      return answer.is_none() || answer.cast<bool>() ? Continue::yes : Continue::no;
    });
  }

  const Operator* h_;
  const Comm* comm_;
  py::object call_;
  std::vector<OpSum> ops_;
  SectorOperator on_;
  std::optional<EvolutionRecorder> recorder_;
  std::vector<std::vector<Complex>> expectations_;
};

/// A function of Python is asked on rank 0 alone: what it throws, and its value, are those of all.
std::vector<Drive> agreed(const Comm& comm, std::vector<Drive> drives) {
  for (auto& [function, op] : drives) {
    if (comm.size() == 1 || function.abrupt) continue;
    function.value = [&comm, ask = std::move(function.value)](double t) {
      double number = 0;
      std::exception_ptr failure;
      try {
        if (comm.is_root()) number = ask(t);
      } catch (...) {
        failure = std::current_exception();
        number = std::numeric_limits<double>::quiet_NaN();
      }
      comm.broadcast(std::span<double>(&number, 1));  // rank 0 need not wait for the others
      if (std::isnan(number))
        comm.agree([&] {
          if (failure) std::rethrow_exception(failure);
        });
      return number;
    };
  }
  return drives;
}

py::dict evolve_on(const Operator& h, const std::vector<Drive>& given_drives,
                   const py::object& start, const std::vector<double>& times, const py::dict& given,
                   const py::list& names, const std::vector<SharedOperator>& ops,
                   const py::object& call, const SharedComm& comm, bool gather) {
  const EvolutionOptions o = evolution_options(given);
  const SharedComm on = comm ? comm : alone();
  EvolutionState psi = start_state(h, *on, start, h.scalar(), "evolve: the state");
  const auto drives = agreed(*on, given_drives);
  Observer observer(h, *on, psi, names, ops, call, !drives.empty());
  EvolutionResult result = computing([&] {
    if (!drives.empty()) {
      auto r = evolve(*on, h.on(*on), drives, psi, times, o, observer.function());
      if (gather) make_whole_any(*on, r.state);
      return r;
    }
    EvolutionResult r = with_map(h, *on, [&]<Scalar T>(const LinearMap<T>& map) {
      return std::visit(
          [&](const auto& v) {
            return evolve(map, v, std::span<const double>(times), o, observer.function());
          },
          psi);
    });
    if (gather) make_whole_any(*on, r.state);
    return r;
  });
  py::dict d = facts_of_evolution(std::move(result));
  add_measures(
      d, observer.recorder() ? observer.recorder()->recorded() : std::vector<RecordedObservable>(),
      observer.expectations());
  d["ranks"] = on->size();
  return d;
}

py::dict out_of_time_order_on(const Operator& h, const Operator& moved,
                              const std::vector<SharedOperator>& probes, const py::object& start,
                              const std::vector<double>& times, const py::dict& given,
                              const SharedComm& comm) {
  const Options from(given);
  OutOfTimeOrderOptions o;
  from.read("tol", o.steps.tol);
  from.read("samples", o.samples);
  from.read("seed", o.seed);
  const SharedComm on = comm ? comm : alone();
  std::vector<OpSum> ops;
  for (const auto& probe : probes) ops.push_back(probe->op("out_of_time_order: a probe"));
  const OpSum& w = moved.op("out_of_time_order: the moved operator");
  (void)h.op("out_of_time_order");
  std::optional<EvolutionState> psi;
  if (!start.is_none())
    psi = start_state(h, *on, start, ScalarKind::complex, "out_of_time_order: the state");
  const OutOfTimeOrder found = computing([&] {
    return psi ? out_of_time_order(*on, h.on(*on), w, ops, *psi, times, o)
               : mean_out_of_time_order(*on, h.on(*on), w, ops, times, o);
  });
  py::list points;
  for (const auto& of_probe : found.points)
    for (const auto& p : of_probe)
      points.append(py::make_tuple(p.correlation, p.commutator, p.error, p.correlation_deviation,
                                   p.commutator_deviation));
  py::dict d;
  d["times"] = array_of(std::vector<double>(found.times));
  d["points"] = points;
  d["samples"] = found.samples;
  d["products"] = found.products;
  d["converged"] = found.converged;
  return d;
}

// ---- linear systems, spectra, temperatures -----------------------------------------------------

py::dict solve_on(const Operator& a, const py::list& columns, const py::dict& given,
                  const SharedComm& comm) {
  const Options from(given);
  SolveOptions o;
  from.read("method", o.method,
            {SolveMethod::automatic, SolveMethod::cg, SolveMethod::minres, SolveMethod::gmres,
             SolveMethod::direct});
  from.read("tol", o.tol);
  from.read("max_iterations", o.max_iterations);
  from.read("restart", o.restart);
  const SharedComm on = comm ? comm : alone();
  bool complex = a.scalar() == ScalarKind::complex;
  for (const auto& column : columns)
    complex = complex || py::array::ensure(column).dtype().kind() == 'c';
  const auto run = [&]<Scalar T>() {
    const auto b = vectors_from<T>(columns, partition_of(a, *on), on->rank());
    auto r = computing([&] {
      auto solved = a.is_sum() ? solve(*on, a.on(*on), b, o) : solve(*on, a.lazy<T>(), b, o);
      make_whole(*on, solved.x);
      return solved;
    });
    py::dict d = facts_of_solve(r);
    d["columns"] = columns_of(std::move(r.x));
    return d;
  };
  if (complex && !a.is_sum() && a.scalar() == ScalarKind::real)
    throw InvalidArgument(
        "solve: the right-hand side is complex and the rows are real; give a Lazy with "
        "dtype=complex");
  return complex ? run.template operator()<Complex>() : run.template operator()<double>();
}

py::dict spectral_function_on(const Operator& h, const py::object& phi, index_t steps) {
  const EvolutionState v = start_state(h, *alone(), phi, h.scalar(), "spectral_function: phi");
  SpectralFunction f = computing([&] {
    return std::visit(
        [&]<Scalar V>(const DistributedVectors<V>& x) {
          return spectral_function(*h.make_map<V>(*alone()), x.column(0), {steps});
        },
        v);
  });
  py::dict d;
  d["poles"] = array_of(std::move(f.poles));
  d["weights"] = array_of(std::move(f.weights));
  d["norm_squared"] = f.norm_squared;
  d["products"] = f.products;
  return d;
}

py::tuple density_of_states_of(const Operator& h, const py::array_t<double>& energies,
                               const py::dict& given) {
  const Options from(given);
  DensityOfStatesOptions o;
  from.read("moments", o.moments);
  from.read("samples", o.samples);
  from.read("seed", o.seed);
  const DensityOfStates dos = computing([&] {
    return with_map(h, *alone(),
                    [&]<Scalar T>(const LinearMap<T>& map) { return density_of_states(map, o); });
  });
  std::vector<double> values;
  for (py::ssize_t i = 0; i < energies.size(); ++i)
    values.push_back(dos.density(energies.data()[i]));
  return py::make_tuple(array_of(std::move(values)),
                        py::make_tuple(dos.bounds.lower, dos.bounds.upper), dos.products);
}

py::tuple split_estimates(const std::vector<Estimate>& estimates) {
  std::vector<double> values, errors;
  for (const auto& e : estimates) {
    values.push_back(e.value);
    errors.push_back(e.error);
  }
  return py::make_tuple(array_of(std::move(values)), array_of(std::move(errors)));
}

py::dict thermodynamics_on(const Operator& h, const std::vector<double>& temperatures,
                           const py::dict& given, const SharedComm& comm) {
  const Options from(given);
  ThermodynamicsOptions o;
  from.read("method", o.method,
            {ThermodynamicsMethod::automatic, ThermodynamicsMethod::exact,
             ThermodynamicsMethod::ftlm, ThermodynamicsMethod::typical});
  from.read("samples", o.samples);
  from.read("steps", o.steps);
  from.read("seed", o.seed);
  const SharedComm on = comm ? comm : alone();
  if (!h.sector().is_full())
    throw InvalidArgument(
        "thermodynamics: averages are over the whole space; give the operator without a sector");
  const Thermodynamics t = computing([&] {
    return thermodynamics(*on, h.op("thermodynamics"), h.lattice_or_chain(), temperatures, o);
  });
  py::dict d;
  d["method"] = std::string(to_string(t.method));
  d["temperatures"] = array_of(std::vector<double>(t.temperatures));
  d["energy"] = split_estimates(t.energy);
  d["heat_capacity"] = split_estimates(t.heat_capacity);
  d["entropy"] = split_estimates(t.entropy);
  d["free_energy"] = split_estimates(t.free_energy);
  d["susceptibility"] = split_estimates(t.susceptibility);
  d["states"] = t.states;
  d["sectors"] = t.sectors;
  d["products"] = t.products;
  d["samples"] = t.samples;
  return d;
}

py::dict sector_levels_on(const Operator& h, const std::vector<std::string>& conditions,
                          const py::dict& given, const SharedComm& comm) {
  SectorLevelsOptions o;
  o.solve = eigh_options(given);
  const SharedComm on = comm ? comm : alone();
  const SectorLevels found = computing([&] {
    return sector_levels(*on, h.op("sector_levels"), h.lattice_or_chain(), conditions, o);
  });
  py::list sectors, levels;
  for (const auto& s : found.sectors)
    sectors.append(py::make_tuple(s.sector.conditions, s.dimension));
  for (const auto& l : found.levels)
    levels.append(py::make_tuple(l.energy, l.residual, l.sector, l.spin()));
  py::dict d;
  d["sectors"] = sectors;
  d["levels"] = levels;
  d["complete_below"] = found.complete_below;
  d["converged"] = found.converged();
  d["certified"] = found.certified();
  return d;
}

py::list apply_operator_to(const Operator& op, const Operator& from, const py::object& psi,
                           const Operator& to) {
  const bool complex = op.op().scalar() == ScalarKind::complex ||
                       from.basis()->scalar() == ScalarKind::complex ||
                       to.basis()->scalar() == ScalarKind::complex;
  const EvolutionState v =
      start_state(from, *alone(), psi, complex ? ScalarKind::complex : ScalarKind::real,
                  "apply_operator: the state");
  return std::visit(
      [&]<Scalar V>(const DistributedVectors<V>& x) {
        return columns_of(computing([&] {
          return apply_operator<V>(*alone(), op.op(), *from.basis(), x.column(0), *to.basis());
        }));
      },
      v);
}

}  // namespace

void bind_solvers(py::module_& m) {
  m.def("eigh_on", &eigh_on);
  m.def("plan", &plan);
  m.def("eig_on", &eig_on);
  m.def("svds_on", &svds_on);
  m.def("expm_multiply_on", &expm_multiply_on);
  m.def("evolve_on", &evolve_on);
  m.def("out_of_time_order_on", &out_of_time_order_on);
  m.def("solve_on", &solve_on);
  m.def("spectral_function", &spectral_function_on);
  m.def("density_of_states", &density_of_states_of);
  m.def("thermodynamics_on", &thermodynamics_on);
  m.def("sector_levels_on", &sector_levels_on);
  m.def("apply_operator", &apply_operator_to);
  m.def("count_eigenvalues", [](const Operator& h, double low, double high) {
    return computing([&] { return count_eigenvalues(*alone(), h.here(), low, high); });
  });
  m.def("spectrum_ends", [](const Operator& h) {
    const auto ends = computing([&] { return bound_spectrum(*alone(), h.here()); });
    return py::make_tuple(ends.lowest, ends.highest);
  });
}

}  // namespace kronsolve::python
