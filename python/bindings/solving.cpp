#include "solving.hpp"

#include <thread>

#include "python_error.hpp"

namespace kronsolve::python {

// ---- progress ----------------------------------------------------------------------------------

struct ProgressCall::Kept {
  py::object call;
  std::exception_ptr thrown;
  std::mutex mutex;
};

namespace {

void tell(const py::object& call, const Progress& p) {
  calling("progress", [&] {
    py::dict facts;
    facts["wanted"] = p.wanted;
    facts["converged"] = p.converged;
    facts["worst_residual"] = p.worst_residual;
    facts["best_value"] = p.best_value;
    facts["products"] = p.products;
    facts["iterations"] = p.iterations;
    facts["seconds"] = p.seconds;
    facts["remaining_seconds"] = p.remaining_seconds;
    return py::object(call(facts));
  });
}

}  // namespace

ProgressCall::ProgressCall(const py::object& call)
    : kept_(new Kept{call, nullptr, {}}, [](Kept* kept) {
        const py::gil_scoped_acquire locked;
        delete kept;
      }) {}

std::function<void(const Progress&)> ProgressCall::function() const {
  return [kept = kept_, caller = std::this_thread::get_id()](const Progress& p) {
    const bool here = std::this_thread::get_id() == caller;
    if (here) detail::check_interruption();
    try {
      const py::gil_scoped_acquire locked;
      if (!kept->call.is_none()) tell(kept->call, p);
    } catch (...) {
      if (here) throw;
      const std::lock_guard lock(kept->mutex);
      if (!kept->thrown) kept->thrown = std::current_exception();
    }
  };
}

void ProgressCall::check() const {
  const std::lock_guard lock(kept_->mutex);
  if (kept_->thrown) std::rethrow_exception(std::exchange(kept_->thrown, nullptr));
}

// ---- options -----------------------------------------------------------------------------------

namespace {
SpectralBounds bounds_of(const std::pair<double, double>& ends) {
  return {ends.first, ends.second, 0};
}
void read_bounds(const Options& from, std::optional<SpectralBounds>& into) {
  std::optional<std::pair<double, double>> ends;
  from.read("bounds", ends);
  if (ends) into = bounds_of(*ends);
}
}  // namespace

EighOptions eigh_options(const py::dict& given) {
  const Options from(given);
  EighOptions o;
  from.read("k", o.k);
  from.read("which", o.which, {Which::SA, Which::LA, Which::LM, Which::SM, Which::TM, Which::TR});
  from.read("sigma", o.sigma);
  from.read("position", o.position);
  from.read("interval", o.interval);
  from.read("tol", o.tol);
  from.read("max_iterations", o.max_iterations);
  from.read("ncv", o.ncv);
  from.read("seed", o.seed);
  from.read("method", o.method, methods());
  from.read("form", o.form,
            {OperatorForm::automatic, OperatorForm::assembled, OperatorForm::matrix_free});
  from.read("factors", o.factors, {Factors::automatic, Factors::mumps, Factors::superlu_dist});
  from.read("preconditioner", o.preconditioner,
            {Preconditioner::automatic, Preconditioner::none, Preconditioner::jacobi,
             Preconditioner::block_jacobi, Preconditioner::multigrid});
  bool vectors = true;
  from.read("vectors", vectors);
  if (!vectors) o.vectors = Eigenvectors::skip;
  from.read("certify", o.certify);
  from.read("petsc_options", o.petsc_options);
  if (given.contains("start") && !given["start"].is_none()) {
    auto start = amplitudes_of(given["start"], "eigh: start");
    std::visit([&](auto& v) { o.start = std::move(v); }, start);
  }
  return o;
}

SvdsOptions svds_options(const py::dict& given) {
  const Options from(given);
  SvdsOptions o;
  from.read("k", o.k);
  from.read("which", o.which, {SingularEnd::largest, SingularEnd::smallest});
  from.read("tol", o.tol);
  from.read("max_iterations", o.max_iterations);
  from.read("ncv", o.ncv);
  from.read("seed", o.seed);
  from.read("method", o.method,
            {SvdMethod::automatic, SvdMethod::dense, SvdMethod::bidiagonal, SvdMethod::cross,
             SvdMethod::restarted});
  bool vectors = true, certify = true;
  from.read("vectors", vectors);
  if (!vectors) o.vectors = SingularVectors::skip;
  from.read("certify", certify);
  if (!certify) o.certify = Certification::off;
  return o;
}

ExpmOptions expm_options(const py::dict& given) {
  const Options from(given);
  ExpmOptions o;
  std::string method;
  from.read("method", method);
  if (method == "chebyshev")
    o.method = ExpmMethod::chebyshev;
  else if (method == "mfn")
    o.method = ExpmMethod::mfn;
  else if (!method.empty() && method != "auto")
    throw InvalidArgument(
        detail::concat("method must be one of auto, chebyshev, mfn, got '", method, "'"));
  from.read("tol", o.tol);
  from.read("max_products", o.max_products);
  from.read("seed", o.seed);
  read_bounds(from, o.bounds);
  return o;
}

EvolutionOptions evolution_options(const py::dict& given) {
  const Options from(given);
  EvolutionOptions o;
  from.read("method", o.method,
            {EvolutionMethod::automatic, EvolutionMethod::solve, EvolutionMethod::expm,
             EvolutionMethod::integrate, EvolutionMethod::magnus, EvolutionMethod::mfn});
  bool imaginary = false;
  from.read("imaginary", imaginary);
  if (imaginary) o.axis = TimeAxis::imaginary;
  from.read("start", o.start);
  from.read("tol", o.tol);
  from.read("max_products", o.max_products);
  from.read("max_step", o.max_step);
  read_bounds(from, o.bounds);
  return o;
}

// ---- results -----------------------------------------------------------------------------------

py::dict facts(EighResult r) {
  py::dict d = facts_of_solve(r);
  d["dimension"] = r.dimension;
  d["operator"] = std::string(to_string(r.form));
  d["scalar"] = std::string(to_string(r.scalar));
  d["converged_pairs"] = r.converged_pairs;
  d["setup_seconds"] = r.setup_seconds;
  d["eigenvalues"] = array_of(std::move(r.eigenvalues));
  d["row_range"] = std::visit(
      [](const auto& v) { return py::make_tuple(v.row_range().begin, v.row_range().end); },
      r.vectors);
  d["columns"] = columns_of(std::move(r.vectors));
  return d;
}

template <Scalar T>
py::dict facts(SvdsResult<T> r) {
  py::dict d = facts_of_solve(r);
  d["rows"] = r.rows;
  d["cols"] = r.cols;
  d["scalar"] = std::string(to_string(scalar_kind<T>));
  d["converged_triplets"] = r.converged_triplets;
  d["singular_values"] = array_of(std::move(r.singular_values));
  d["left_columns"] = columns_of(std::move(r.left));
  d["right_columns"] = columns_of(std::move(r.right));
  return d;
}
template py::dict facts(SvdsResult<double>);
template py::dict facts(SvdsResult<std::complex<double>>);

py::dict facts_of_bounds(const SpectralBounds& b) {
  py::dict d;
  d["lower"] = b.lower;
  d["upper"] = b.upper;
  d["products"] = b.products;
  return d;
}

py::dict facts_of_evolution(EvolutionResult r) {
  py::dict d;
  d["times"] = array_of(std::move(r.times));
  d["energies"] = array_of(std::move(r.energies));
  d["norms"] = array_of(std::move(r.norms));
  d["log_norms"] = array_of(std::move(r.log_norms));
  d["errors"] = array_of(std::move(r.errors));
  d["norm_drift"] = r.norm_drift;
  d["energy_drift"] = r.energy_drift;
  d["products"] = r.products;
  d["steps"] = r.steps;
  d["converged"] = r.converged;
  d["stopped"] = r.stopped;
  d["method"] = std::string(to_string(r.method));
  d["reason"] = r.reason;
  d["columns"] = columns_of(std::move(r.state));
  return d;
}

void add_measures(py::dict& d, std::vector<RecordedObservable> recorded,
                  const std::vector<std::vector<std::complex<double>>>& expectations) {
  d["expectations"] = expectations;
  py::dict observables;
  for (const auto& r : recorded) {
    py::list values;
    for (const auto& v : r.values) values.append(value_of(v));
    observables[py::str(r.text)] = values;
  }
  d["observables"] = observables;
  RecordedObservable of_operators{"expectations", {}};
  for (const auto& values : expectations) {
    const bool real =
        std::all_of(values.begin(), values.end(), [](auto z) { return z.imag() == 0; });
    of_operators.values.push_back({.shape = ObservableValue::Shape::vector,
                                   .scalar = real ? ScalarKind::real : ScalarKind::complex,
                                   .rows = static_cast<index_t>(values.size()),
                                   .values = values,
                                   .axis = "operator"});
  }
  if (!of_operators.values.empty()) recorded.push_back(std::move(of_operators));
  d["recorded"] = Recorded{std::move(recorded)};
}

// ---- vectors -----------------------------------------------------------------------------------

Amplitudes amplitudes_of(const py::handle& given, const char* what) {
  const py::array any = py::array::ensure(given);
  if (!any) {
    PyErr_Clear();
    throw InvalidArgument(detail::concat(what, " must be a vector of numbers"));
  }
  const char kind = any.dtype().kind();
  if (kind != 'f' && kind != 'c' && kind != 'i' && kind != 'u' && kind != 'b')
    throw InvalidArgument(detail::concat(what, " must hold numbers, its dtype is ",
                                         std::string(py::str(any.dtype()))));
  if (any.ndim() != 1 && !(any.ndim() == 2 && any.shape(1) == 1))
    throw DimensionError(detail::concat(what, " must be one vector, its shape is ",
                                        std::string(py::str(py::getattr(any, "shape")))));
  const auto copied = [&]<class T>() -> Amplitudes {
    const auto values = numbers_of<T>(any, what);
    return std::vector<T>(values.data(), values.data() + values.size());
  };
  return kind == 'c' ? copied.template operator()<std::complex<double>>()
                     : copied.template operator()<double>();
}

EvolutionState owned_column(const Comm& comm, const RowPartition& rows, const Amplitudes& given,
                            ScalarKind least, const char* what) {
  const RowRange mine = rows.range(comm.rank());
  return std::visit(
      [&]<class S>(const std::vector<S>& values) -> EvolutionState {
        const auto size = static_cast<index_t>(values.size());
        const bool whole = size == rows.rows();
        comm.require_all(
            whole || size == mine.size(),
            detail::concat(what, ": the vector has ", size, " entries, the operator ", rows.rows(),
                           " rows, ", mine.size(), " of them on rank ", comm.rank()));
        const S* const first = values.data() + (whole ? mine.begin : 0);
        const auto as = [&]<Scalar T>() {
          DistributedVectors<T> column(rows, comm.rank(), 1);
          std::copy(first, first + mine.size(), column.column(0).begin());
          return column;
        };
        if constexpr (!is_complex<S>)
          if (least == ScalarKind::real) return as.template operator()<double>();
        return as.template operator()<std::complex<double>>();
      },
      given);
}

}  // namespace kronsolve::python
