#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/hermitian_check.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "core/counted.hpp"
#include "core/rows_checksum.hpp"
#include "operators/assembled/sector_rows.hpp"
#include "solvers/frontend/copies.hpp"
#include "solvers/frontend/held_rows.hpp"
#include "solvers/frontend/methods/method.hpp"
#include "solvers/frontend/rows.hpp"

namespace kronsolve {

std::string_view to_string(Which which) {
  switch (which) {
    case Which::SA:
      return "SA";
    case Which::LA:
      return "LA";
    case Which::LM:
      return "LM";
    case Which::SM:
      return "SM";
    case Which::TM:
      return "TM";
    case Which::TR:
      break;
  }
  return "TR";
}

std::string_view to_string(OperatorForm form) {
  switch (form) {
    case OperatorForm::automatic:
      return "auto";
    case OperatorForm::assembled:
      return "assembled";
    case OperatorForm::matrix_free:
      break;
  }
  return "matrix-free";
}

std::string_view to_string(ResidualKind kind) {
  return kind == ResidualKind::explicit_ ? "explicit" : "bound";
}

const EighResult& EighResult::require_converged() const {
  if (converged) return *this;
  std::string text =
      detail::concat("eigh: ", converged_pairs, " of ", detail::counted(eigenvalues.size(), "pair"),
                     " converged (", reason, "); residuals");
  for (const double r : residuals) text += detail::concat(" ", r);
  throw NotConverged(text + "; allow more iterations or a larger ncv");
}

namespace frontend {

namespace {

/// What is known of rows that are not looked at before they are stored.
template <Scalar T>
void expect_sector_rows(EighProblem<T>& problem, const SectorOperator& h) {
  problem.entries_per_row = mean_entries(h);
  problem.sector_rows_bytes = held_rows_bytes<T>(h, double(problem.partition.max_local_rows()));
  for (const auto& term : h.op.canonical_form().terms)
    problem.largest = std::max(problem.largest, std::abs(term.coefficient));
}

}  // namespace

template <Scalar T>
EighProblem<T> sector_problem(const Comm& comm, const SectorOperator& h, int planned_ranks) {
  const auto partition = h.basis->partition(planned_ranks > 0 ? planned_ranks : comm.size());
  std::shared_ptr<detail::SectorRows<T>> once;
  if (detail::has_listed_orbits(*h.basis)) once = std::make_shared<detail::SectorRows<T>>(h);
  EighProblem<T> problem{.comm = &comm,
                         .rows = once ? detail::SectorRows<T>::lazy(once) : make_lazy<T>(h),
                         .partition = partition,
                         .sector_rows = once,
                         .planned_ranks = planned_ranks};
  if (once) expect_sector_rows(problem, h);
  problem.symmetries = [&comm, h] { return symmetries_between_copies<T>(comm, h); };
  const auto make = [&comm, h] { return make_matrix_free<T>(comm, h); };
  if (!h.basis->is_listed()) {
    expect_sector_rows(problem, h);
    problem.bytes_before =
        double(problem.partition.max_local_rows()) * double(SymmetryBasis::listing_bytes);
    const auto plan = plan_matrix_free(h, scalar_kind<T>, problem.ranks());
    problem.matrix_free_better = !comm.all(!plan.better_than_assembled);
    problem.matrix_free_verdict = plan.verdict;
    problem.matrix_free = make;
    return problem;
  }
  // Where two vectors cannot fit a product is not planned (its tables grow with the system too, but
  // are small beside the vectors); it is what a larger machine would use.
  const double vectors = 2.0 * double(problem.partition.max_local_rows()) * sizeof(T);
  if (!comm.all(vectors < double(available_memory()))) {
    if (h.basis->paths() != nullptr || problem.sector_rows) problem.matrix_free = make;
    return problem;
  }
  try {
    MatrixFreePlan plan;
    if (planned_ranks > 0) {
      plan = plan_matrix_free(h, scalar_kind<T>, planned_ranks);
      problem.matrix_free = make;
    } else {
      auto product = plan_and_make_matrix_free<T>(comm, h);
      plan = std::move(product.plan);
      // The map whose plan decides is the one that runs; whoever wants a second gets a new one.
      const auto first = std::make_shared<std::unique_ptr<LinearMap<T>>>(std::move(product.map));
      problem.matrix_free = [make, first] { return *first ? std::move(*first) : make(); };
    }
    problem.matrix_free_bytes = comm.all_reduce(plan.memory_bytes, Reduce::max);
    problem.matrix_free_better = plan.better_than_assembled;
    problem.matrix_free_verdict = plan.verdict;
  } catch (const NotSupported&) {
    // Sectors that mix configurations have rows only.
  }
  return problem;
}

namespace {

/// Looks at a few owned rows: how full they are, how many different values they have. Local.
template <Scalar T>
void sample_rows(EighProblem<T>& problem) {
  constexpr index_t samples = 64, rows_each = 4;
  const RowRange owned = problem.owned();
  index_t rows = 0, entries = 0;
  std::set<std::pair<double, double>> values;
  for (index_t s = 0; s < std::min(samples, owned.size()); ++s) {
    const index_t begin = owned.begin + owned.size() / std::min(samples, owned.size()) * s;
    const auto piece = problem.rows.build({begin, std::min(owned.end, begin + rows_each)});
    rows += piece.range.size();
    for (const T& v : piece.values) problem.largest = std::max(problem.largest, std::abs(v));
    entries += piece.entries();
    for (index_t i = piece.range.begin; i < piece.range.end; ++i)
      for (std::size_t e = 0; e < piece.row_columns(i).size() && values.size() <= 256; ++e)
        if (piece.row_columns(i)[e] != i) {
          const std::complex<double> v = piece.row_values(i)[e];
          values.emplace(v.real(), v.imag());
        }
  }
  problem.entries_per_row = rows > 0 ? double(entries) / double(rows) : 1;
  problem.few_values = values.size() <= 64;  // a sample that varies much will vary more
}

}  // namespace

/// Sampling is local and may throw (a builder of the user); what is estimated must be one thing on
/// all ranks.
template <Scalar T>
void look_at_rows(EighProblem<T>& problem) {
  if (problem.sector_rows_bytes > 0) return;  // to see them they would have to be stored
  problem.comm->agree([&] { sample_rows(problem); });
  problem.entries_per_row = problem.comm->all_reduce(problem.entries_per_row, Reduce::max);
  problem.few_values = problem.comm->all(problem.few_values);
  problem.largest = problem.comm->all_reduce(problem.largest, Reduce::max);
}

template void look_at_rows(EighProblem<double>&);
template void look_at_rows(EighProblem<std::complex<double>>&);

void check_sector(const SectorOperator& h, const EighOptions& options) {
  if (!h.basis) throw InvalidArgument("eigh: the operator has no basis");
  if (h.op.spaces() != h.basis->spaces())
    throw DimensionError(detail::concat("eigh: the operator has ",
                                        detail::counted(h.op.sites(), "site"), ", the basis ",
                                        h.basis->sites(), ", or their local spaces differ"));
  check_options(options, h.basis->size());
  require_hermitian(h.op, "eigh");
}

void identify(Checkpoint& checkpoint, index_t dimension, ScalarKind scalar,
              const std::string& start, const EighOptions& o) {
  if (count_against(o) > 0)
    throw NotSupported(
        "eigh: a checkpoint does not go with vectors to stay orthogonal to; leave one of them out");
  const auto text = [](const auto& number) {
    return number ? detail::concat(*number) : std::string("none");
  };
  checkpoint.identify("dimension", std::to_string(dimension));
  checkpoint.identify("scalar", std::string(to_string(scalar)));
  checkpoint.identify("k", std::to_string(o.k));
  checkpoint.identify("which", std::string(to_string(o.which)));
  checkpoint.identify("sigma", text(o.sigma));
  checkpoint.identify("position", text(o.position));
  checkpoint.identify(
      "interval",
      o.interval ? detail::concat("[", o.interval->first, ", ", o.interval->second, "]") : "none");
  checkpoint.identify("tol", detail::concat(o.tol));
  checkpoint.identify("ncv", std::to_string(o.ncv));
  checkpoint.identify("seed", std::to_string(o.seed));
  checkpoint.identify("start", start);
  checkpoint.identify("max_iterations", std::to_string(o.max_iterations));
  checkpoint.identify("vectors", o.vectors == Eigenvectors::compute ? "computed" : "left out");
  checkpoint.identify("certify", o.certify ? "yes" : "no");
}

template EighProblem<double> sector_problem(const Comm&, const SectorOperator&, int);
template EighProblem<std::complex<double>> sector_problem(const Comm&, const SectorOperator&, int);

}  // namespace frontend

namespace {

using frontend::EighProblem;
using frontend::look_at_rows;

/// Rank 0 decides whether there is a callback: to tell it is collective, so all ranks or none must
/// do it.
EighOptions with_agreed_progress(const Comm& comm, EighOptions options) {
  int told = comm.is_root() && options.progress ? 1 : 0;
  comm.broadcast(std::span(&told, 1));
  if (told == 0)
    options.progress = {};
  else if (!options.progress)
    options.progress = [](const Progress&) {};
  return options;
}

template <Scalar T>
EighResult run(EighProblem<T> problem, EighOptions given);

/// The target at a relative position of the spectrum, whose ends are found first.
template <Scalar T>
EighResult run_at_position(const EighProblem<T>& problem, EighOptions options) {
  std::vector<double> ends;  // as far as they are known
  index_t products = 0;
  const CheckpointStage stage(options.checkpoint, "ends of the spectrum",
                              [&](CheckpointWriter& writer) {
                                writer.numbers("ends", ends);
                                writer.numbers("products", std::tie(products));
                              });
  if (const auto* saved = stage.saved()) {
    ends = saved->numbers("ends");
    saved->numbers("products", std::tie(products));
  }
  EighOptions end{.tol = std::max(options.tol, 1e-7),
                  .seed = options.seed,
                  .vectors = Eigenvectors::skip,
                  .against = options.against,
                  .certify = false,
                  .checkpoint = options.checkpoint};
  EighProblem<T> part = problem;
  part.own_stage = true;
  while (ends.size() < 2) {
    end.which = ends.empty() ? Which::SA : Which::LA;
    const EighResult found = run(part, end);
    ends.push_back(found.require_converged().eigenvalues[0]);
    products += found.products;
  }
  const double low = ends[0], high = ends[1];
  const double position = options.position.value();
  options.sigma = low + position * (high - low);
  options.position.reset();
  EighResult result = run(std::move(part), options);
  result.products += products;
  result.reason += detail::concat("; target ", *options.sigma, " at position ", position, " of [",
                                  low, ", ", high, "]");
  return result;
}

/// The k largest in magnitude are among the k lowest and the k highest of the others; at the ends no
/// copy is missed.
template <Scalar T>
EighResult run_at_both_ends(const EighProblem<T>& problem, const EighOptions& given) {
  EighOptions options = given;
  options.vectors = Eigenvectors::compute;
  options.which = Which::SA;
  EighResult result = run(problem, options);
  auto vectors = std::get<DistributedVectors<T>>(std::move(result.vectors));
  if (result.converged && options.k < problem.n()) {
    options.which = Which::LA;
    options.k = std::min(given.k, problem.n() - given.k);
    options.against = &vectors;
    EighResult high = run(problem, options);
    if (!high.converged) return high;
    vectors.append(std::get<DistributedVectors<T>>(std::move(high.vectors)));
    const auto join = [](std::vector<double>& list, const std::vector<double>& more) {
      list.insert(list.end(), more.begin(), more.end());
    };
    join(result.eigenvalues, high.eigenvalues);
    join(result.residuals, high.residuals);
    frontend::keep_largest(result, vectors, given.k);
    if (given.k > 1) {
      result.certified =
          result.certified.value_or(false) && high.certified.value_or(options.k == 1);
      result.certificate += "; at the other end " + high.certificate;
    }
    result.products += high.products;
    result.iterations += high.iterations;
    result.certify_products += high.certify_products;
    result.solve_seconds += high.setup_seconds + high.solve_seconds;
  }
  result.reason += "; the largest in magnitude are those of both ends of the spectrum";
  if (given.vectors == Eigenvectors::compute) result.vectors = std::move(vectors);
  return result;
}

/// Squares of entries beyond 1e154 are no numbers any more, those below 1e-154 are 0: such a problem
/// is solved times a power of two, which changes no digit.
template <Scalar T>
EighResult run_in_unit(const EighProblem<T>& problem, EighOptions options, double factor) {
  if (options.sigma) *options.sigma *= factor;
  if (options.interval) {
    options.interval->first *= factor;
    options.interval->second *= factor;
  }
  if (options.progress)
    options.progress = [tell = options.progress, factor](Progress now) {
      now.best_value /= factor;
      now.worst_residual /= factor;
      tell(now);
    };
  if (options.checkpoint != nullptr) options.checkpoint->identify("unit", detail::concat(factor));
  EighResult result = run(frontend::in_unit(problem, factor), options);
  for (double& value : result.eigenvalues) value /= factor;
  for (double& residual : result.residuals) residual /= factor;
  result.reason += detail::concat("; numbers in texts are times ", factor);
  return result;
}

/// Of the entries of a start vector, whoever holds them; "none". Collective.
std::string start_text(const Comm& comm, const EighOptions& o, RowRange owned) {
  detail::RowsChecksum all;
  const auto add = [&](const auto& start) {
    for (std::size_t i = 0; i < start.size(); ++i)
      all.add(owned.begin + static_cast<index_t>(i), std::span(start).subspan(i, 1));
  };
  if (const auto* real = std::get_if<1>(&o.start)) add(*real);
  if (const auto* complex = std::get_if<2>(&o.start)) add(*complex);
  return o.start.index() == 0 ? "none" : detail::concat("checksum ", all.of_all(comm));
}

[[noreturn]] void refuse_checkpoint(Method method, const EighOptions& o) {
  const auto what = method == Method::slepc
                        ? std::string(o.interval ? "slepc for an interval" : "slepc for LM")
                        : detail::concat("method ", to_string(method));
  throw NotSupported(detail::concat(
      "eigh: a checkpoint needs method lanczos or slepc for the ends of the spectrum (SA, LA), "
      "filter or slepc for a target, filter for an interval; ",
      what, " cannot go on in the middle, leave the checkpoint out"));
}

template <Scalar T>
EighResult run(EighProblem<T> problem, EighOptions given) {
  if (given.position) return run_at_position(problem, given);
  if (problem.bytes_before)
    throw InvalidArgument(
        "eigh: the states of this sector are counted, not listed; make it with in_sector");
  EighOptions options = with_agreed_progress(*problem.comm, given);
  // Copies of a level are invisible from the start vector that found the first one: take another.
  options.seed += 0x9E3779B9u * static_cast<std::uint64_t>(frontend::count_against(options));
  frontend::check_against<T>(*problem.comm, options, problem.partition);
  look_at_rows(problem);
  const double extreme = options.method == Method::automatic
                             ? 1e100
                             : frontend::method_of(options.method).largest_number;
  if (problem.largest > extreme || (problem.largest > 0 && problem.largest < 1 / extreme))
    return run_in_unit(problem, given,
                       std::ldexp(1.0, std::min(1000, -std::ilogb(problem.largest))));
  EighPlan plan = frontend::plan(problem, options);
  if (!plan.fits) throw InvalidArgument(plan.reason);
  const auto& method = frontend::method_of(plan.method);
  if (options.checkpoint != nullptr && !(method.goes_on && method.goes_on(options))) {
    if (options.checkpoint->required() && !is_one_of_several(problem, *options.checkpoint))
      refuse_checkpoint(plan.method, options);
    options.checkpoint = given.checkpoint = nullptr;
  }
  if (options.which == Which::LM && options.certify && plan.method != Method::dense &&
      options.petsc_options.empty() && frontend::count_against(options) == 0)
    return run_at_both_ends(problem, given);
  if (plan.form == OperatorForm::assembled) problem.matrix_free = {};
  EighResult result;
  std::string trouble;  // the engine's, the same on every rank
  int code = 0;
  try {
    result = method.run<T>().solve(problem, options, plan.form);
  } catch (const EngineError& error) {
    trouble = error.what();
    code = error.code();
  }
  if (!trouble.empty() || (!result.converged && options.max_iterations == 0)) {
    options.checkpoint = nullptr;
    if (const auto instead = frontend::rescue_plan(
            problem, options, plan.method,
            trouble.empty() ? frontend::Failing::not_converged : frontend::Failing::broke_down)) {
      EighResult other = instead->method == Method::dense
                             ? frontend::solve_dense(problem, options)
                             : frontend::solve_beyond_end(problem, options, result);
      other.products += result.products;
      other.reason += detail::concat(
          "; in place of ", plan.reason,
          trouble.empty() ? detail::concat(", which had not converged after ",
                                           detail::counted(result.products, "product"))
                          : ", which broke down");
      result = std::move(other);
      plan.memory_estimate_bytes = instead->memory_estimate_bytes;
      plan.reason = detail::concat(to_string(instead->method), ": it can do what ",
                                   to_string(plan.method), " could not");
    } else if (!trouble.empty()) {
      throw EngineError(code,
                        detail::concat("eigh: method ", to_string(plan.method),
                                       " broke down; use another method, lanczos for an end of the "
                                       "spectrum, slepc or filter inside; the engine says: ",
                                       trouble));
    }
  }
  if (!result.converged && result.certified.value_or(false)) {
    result.certified.reset();
    result.certificate = "not certified: not all pairs have converged";
  }
  frontend::name_problem<T>(result, problem.n());
  result.memory_estimate_bytes = plan.memory_estimate_bytes;
  result.reason += "; " + plan.reason;
  return result;
}

using frontend::check_sector;
using frontend::sector_problem;

/// Calls f.operator()<T>(problem) with the problem as real or complex.
template <class F>
auto with_sector_problem(const Comm& comm, const SectorOperator& h, const EighOptions& options,
                         int planned_ranks, F&& f) {
  check_sector(h, options);
  return visit_scalar(h.scalar(),
                      [&]<Scalar T>() { return f(sector_problem<T>(comm, h, planned_ranks)); });
}

template <Scalar T>
EighResult begin(EighProblem<T> problem, const EighOptions& options) {
  frontend::check_start<T>(*problem.comm, options, problem.owned());
  if (options.checkpoint != nullptr)
    frontend::identify(*options.checkpoint, problem.n(), scalar_kind<T>,
                       start_text(*problem.comm, options, problem.owned()), options);
  return run(std::move(problem), options);
}

template <Scalar T>
EighResult eigh_lazy(const Comm& comm, const Lazy<T>& h, const EighOptions& options) {
  if (h.rows() != h.cols())
    throw DimensionError(detail::concat("eigh: a Hermitian matrix is square, this one is ",
                                        h.rows(), " x ", h.cols()));
  frontend::check_options(options, h.rows());
  require_hermitian_sampled(comm, h, "eigh", options.seed);
  return begin<T>({.comm = &comm, .rows = h, .partition = RowPartition(h.rows(), comm.size())},
                  options);
}

template <Scalar T>
EighProblem<T> held_problem(const Comm& comm, const CsrRows<T>& owned, const EighOptions& options) {
  const RowPartition partition = frontend::held_partition(comm, owned, "eigh");
  comm.agree([&] { require_valid(owned, "eigh"); });
  if (!comm.all(owned.cols == partition.rows()))
    throw DimensionError(detail::concat("eigh: a Hermitian matrix is square, this one is ",
                                        partition.rows(), " x ", owned.cols));
  frontend::check_options(options, partition.rows());
  require_hermitian(comm, owned, partition, "eigh");
  return {
      .comm = &comm, .rows = frontend::held_lazy(owned, partition.rows()), .partition = partition};
}

}  // namespace

EighResult eigh(const Comm& comm, const SectorOperator& h, const EighOptions& options) {
  return with_sector_problem(comm, h, options, 0, [&]<Scalar T>(EighProblem<T> problem) {
    return begin(std::move(problem), options);
  });
}

EighResult eigh(const Comm& comm, const OpSum& h, const EighOptions& options) {
  return eigh(comm, on_full_space(h), options);
}

EighResult eigh(const Comm& comm, const Lazy<double>& h, const EighOptions& options) {
  return eigh_lazy(comm, h, options);
}

EighResult eigh(const Comm& comm, const Lazy<std::complex<double>>& h, const EighOptions& options) {
  return eigh_lazy(comm, h, options);
}

template <Scalar T>
EighResult eigh(const Comm& comm, const CsrRows<T>& owned, const EighOptions& options) {
  return begin(held_problem(comm, owned, options), options);
}

namespace {

/// @return as EighProblem::planned_ranks has it
int planned_ranks(const Comm& comm, int ranks) {
  if (ranks == 0 || ranks == comm.size()) return 0;
  if (ranks < 0 || comm.size() > 1)
    throw InvalidArgument(detail::concat("plan_eigh: ", ranks, " ranks are planned for on ",
                                         detail::counted(comm.size(), "rank"),
                                         "; plan for as many as there are, or on one"));
  return ranks;
}

}  // namespace

EighPlan plan_eigh(const Comm& comm, const SectorOperator& h, const EighOptions& options,
                   int ranks) {
  const int planned = planned_ranks(comm, ranks);
  return with_sector_problem(comm, h, options, planned, [&]<Scalar T>(EighProblem<T> problem) {
    look_at_rows(problem);
    return frontend::plan(problem, options);
  });
}

template <Scalar T>
EighPlan plan_eigh(const Comm& comm, const CsrRows<T>& owned, const EighOptions& options,
                   int ranks) {
  const int planned = planned_ranks(comm, ranks);
  auto problem = held_problem(comm, owned, options);
  look_at_rows(problem);
  if (planned > 0) problem.partition = RowPartition(problem.n(), planned);
  problem.planned_ranks = planned;
  return frontend::plan(problem, options);
}

EighResult ground_state(const Comm& comm, const SectorOperator& h, EighOptions options) {
  options.k = 1;
  options.which = Which::SA;
  options.sigma.reset();
  return eigh(comm, h, options);
}

#define KRONSOLVE_DEFINE(T)                                                     \
  template EighResult eigh(const Comm&, const CsrRows<T>&, const EighOptions&); \
  template EighPlan plan_eigh(const Comm&, const CsrRows<T>&, const EighOptions&, int);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve
