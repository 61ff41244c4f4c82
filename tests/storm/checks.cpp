#include "storm/checks.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <Eigen/Eigenvalues>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/expand.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/op_file.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "support/instruction_sets.hpp"

namespace kronsolve::storm {

namespace {

/// A check that failed, thrown up to check().
struct Disagreement {
  Failure failure;
};

template <Scalar T>
T narrowed(Complex x) {
  return from_complex<T>(x);
}

/// The problem as the oracle sees it and as the library does.
struct Context {
  const Comm& comm;
  const Problem& problem;
  Dice dice;
  Tally& tally;
  Sparse whole;     ///< H on the whole space
  Subspace sector;  ///< its states
  Matrix inside;    ///< H between the states of the sector
  Eigen::VectorXd values;
  Matrix vectors;
  double norm = 0;                   ///< the largest modulus of a value
  std::string check, command, note;  ///< note: what an exception does not say

  [[noreturn]] void fail(const std::string& text) const {
    throw Disagreement{{check, text, command}};
  }
  void expect(bool right, const std::string& text) const {
    if (!right) fail(text);
  }
  /// |a - b| relative to the norm of H (or to `scale`).
  void near(double a, double b, double tolerance, const char* what) const {
    if (!(std::abs(a - b) <= tolerance))
      fail(detail::concat(what, ": ", a, ", right is ", b, " (off by ", std::abs(a - b),
                          ", allowed ", tolerance, ")"));
  }
};

constexpr double rounding = 1e-12;

/// A method that says that it has no answer is no failure, unless one looks for these.
void give_up(const Context& c, const std::string& why) {
  if (std::getenv("KRONSOLVE_STORM_STRICT") != nullptr) c.fail(why);
}

Context make_context(const Comm& comm, const Problem& problem, std::uint64_t seed, Tally& tally) {
  Context c{comm,
            problem,
            Dice(seed),
            tally,
            dense_operator(problem.spaces, problem.terms(), problem.definitions),
            subspace(problem.spaces, problem.charges, problem.symmetries),
            {},
            {},
            {},
            0,
            {},
            {},
            {}};
  const auto n = static_cast<Index>(c.sector.configurations.size());
  Matrix block(n, n);
  for (Index j = 0; j < n; ++j) {
    const Vector column = c.whole.col(c.sector.configurations[static_cast<std::size_t>(j)]);
    for (Index i = 0; i < n; ++i)
      block(i, j) = column[c.sector.configurations[static_cast<std::size_t>(i)]];
  }
  c.inside = c.sector.basis.adjoint() * block * c.sector.basis;
  c.inside = 0.5 * (c.inside + Matrix(c.inside.adjoint()));
  // Values far from 1 are diagonalised in their own unit.
  const double unit = std::max(c.inside.cwiseAbs().maxCoeff(), 1e-300);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(c.inside / unit);
  c.values = solver.eigenvalues() * unit;
  c.vectors = solver.eigenvectors();
  // Terms that cancel leave rounding of what they were.
  double summands = 0;
  for (const auto& term : problem.terms()) summands += std::abs(term.coefficient);
  c.norm = std::max(c.values.cwiseAbs().maxCoeff(), 1e-3 * summands);
  if (c.norm == 0) c.norm = 1;
  return c;
}

// ---- vectors -----------------------------------------------------------------------------------

template <Scalar T>
Vector as_vector(const std::vector<T>& values) {
  Vector v(static_cast<Index>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) v[static_cast<Index>(i)] = values[i];
  return v;
}

/// A state of the library's on the whole space.
template <Scalar T>
Vector on_whole_space(const Context& c, const Basis& basis, std::span<const T> owned) {
  const StateView<T> view(c.comm, basis, owned);
  const auto wide = expand(view);
  const auto all = c.comm.all_gather_v(wide ? std::span<const T>(wide->owned.span()) : owned);
  c.expect(all.size() == c.sector.configurations.size(),
           "a state has another number of amplitudes");
  Vector v = Vector::Zero(dimension(c.problem.spaces));
  for (std::size_t i = 0; i < all.size(); ++i) v[c.sector.configurations[i]] = all[i];
  return v;
}

/// The coordinates in the basis of the oracle; what is outside the sector is a failure.
Vector coordinates(const Context& c, const Vector& whole) {
  Vector inside(static_cast<Index>(c.sector.configurations.size()));
  for (Index i = 0; i < inside.size(); ++i)
    inside[i] = whole[c.sector.configurations[static_cast<std::size_t>(i)]];
  const Vector x = c.sector.basis.adjoint() * inside;
  c.near((c.sector.basis * x - inside).norm(), 0, 1e-9 * std::max(1.0, whole.norm()),
         "part of a state outside its sector");
  return x;
}

/// Normal numbers by row, normalised.
template <Scalar T>
DistributedVectors<T> random_vector(const Context& c, const Basis& basis, std::uint64_t seed) {
  DistributedVectors<T> v(basis.partition(c.comm.size()), c.comm.rank(), 1);
  const CounterRandom random(seed, 5);
  double square = 0;
  for (index_t i = 0; i < basis.size(); ++i)
    square += std::norm(Complex(narrowed<T>(random.complex_normal(static_cast<std::uint64_t>(i)))));
  for (index_t i = v.row_range().begin; i < v.row_range().end; ++i)
    v.column(0)[static_cast<std::size_t>(i - v.row_range().begin)] =
        narrowed<T>(random.complex_normal(static_cast<std::uint64_t>(i))) / std::sqrt(square);
  return v;
}

// ---- descriptions and products -----------------------------------------------------------------

void check_texts(Context& c, const SectorOperator& h) {
  c.check = "operator file";
  const OpSum again = parse_operator_file(c.problem.file(), "storm.toml").op;
  c.expect(equal(again, h.op), "the operator file is another operator");
  c.check = "text";
  if (c.problem.definitions.empty())
    c.expect(equal(OpSum::parse(h.op.text(), c.problem.spaces), h.op),
             "the text is another operator: " + h.op.text());
  c.check = "sector";
  c.expect(h.basis->size() == c.inside.rows(),
           detail::concat(h.basis->size(), " states, right is ", c.inside.rows()));
  c.expect(sector_size(c.problem.sector()) == c.inside.rows(), "sector_size counts others");
}

/// Rows in bases of configurations are unique; in symmetry sectors only up to phases.
template <Scalar T>
void check_rows(Context& c, const SectorOperator& h) {
  c.check = "rows";
  if (!c.problem.symmetries.empty()) return;
  const RowRange mine = h.basis->partition(c.comm.size()).range(c.comm.rank());
  const auto rows = build_rows<T>(h.op, *h.basis, mine);
  Matrix rest = c.inside.middleRows(mine.begin, mine.size());
  for (index_t row = mine.begin; row < mine.end; ++row)
    for (std::size_t e = 0; e < rows.row_columns(row).size(); ++e)
      rest(row - mine.begin, rows.row_columns(row)[e]) -= Complex(rows.row_values(row)[e]);
  const double off = rest.size() == 0 ? 0 : rest.cwiseAbs().maxCoeff();
  c.near(c.comm.all_reduce(off, Reduce::max), 0, rounding * c.norm, "largest wrong entry");
}

template <Scalar T>
void check_product(Context& c, const SectorOperator& h, OperatorForm form) {
  c.check = detail::concat("product ", to_string(form));
  const auto map = make_operator_map<T>(c.comm, h, form);
  const auto x = random_vector<T>(c, *h.basis, 3);
  DistributedVectors<T> y(x.partition(), c.comm.rank(), 1);
  map->apply(x.column(0), y.column(0));
  const Vector before = on_whole_space<T>(c, *h.basis, x.column(0));
  const Vector after = on_whole_space<T>(c, *h.basis, y.column(0));
  c.near((c.whole * before - after).norm(), 0, rounding * c.norm, "|H x - y|");
  c.near(coordinates(c, before).norm(), 1, 1e-10, "norm of a state written out");
}

// ---- eigenpairs --------------------------------------------------------------------------------

struct Request {
  EighOptions options;
  std::string text;              ///< options of the program
  std::vector<double> expected;  ///< ascending
};

const char* which_name(Which which) { return to_string(which).data(); }

std::vector<double> chosen(const Eigen::VectorXd& values, index_t k,
                           const std::function<double(double)>& rank) {
  std::vector<double> list(values.begin(), values.end());
  std::stable_sort(list.begin(), list.end(), [&](double a, double b) { return rank(a) < rank(b); });
  list.resize(static_cast<std::size_t>(k));
  std::sort(list.begin(), list.end());
  return list;
}

index_t random_k(Dice& dice, index_t n) {
  if (n <= 40 && dice.chance(0.1)) return n;
  return 1 + dice.below(static_cast<int>(std::min<index_t>(n, 6)));
}

void ask_end(Context& c, Request& r) {
  const index_t n = c.inside.rows();
  const std::vector<Method> methods = {Method::automatic, Method::dense,  Method::slepc,
                                       Method::lanczos,   Method::lobpcg, Method::jd,
                                       Method::gd};
  auto& o = r.options;
  o.method = c.dice.pick(methods);
  o.k = random_k(c.dice, n);
  o.which = c.dice.below(2) == 0 ? Which::SA : Which::LA;
  const bool magnitude = o.method != Method::lanczos && o.method != Method::lobpcg;
  if (magnitude && c.dice.chance(0.2)) o.which = Which::LM;
  const Which which = o.which;
  r.expected = chosen(c.values, o.k, [which](double l) {
    return which == Which::SA ? l : which == Which::LA ? -l : -std::abs(l);
  });
  r.text = detail::concat("-k ", o.k, " --which ", which_name(o.which));
}

void ask_target(Context& c, Request& r) {
  const std::vector<Method> methods = {Method::automatic, Method::dense, Method::slepc,
                                       Method::filter};
  auto& o = r.options;
  o.method = c.dice.pick(methods);
  o.k = random_k(c.dice, c.inside.rows());
  o.which = Which::TM;
  const double low = c.values.minCoeff(), high = c.values.maxCoeff();
  double target = c.dice.uniform(low, high);
  if (c.dice.chance(0.2)) target = c.values[c.dice.below(static_cast<int>(c.values.size()))];
  o.sigma = target;
  r.expected = chosen(c.values, o.k, [target](double l) { return std::abs(l - target); });
  r.text = detail::concat("-k ", o.k, " --sigma=", target);
}

/// Ends lie between levels that are well apart.
bool ask_interval(Context& c, Request& r) {
  const std::vector<Method> methods = {Method::automatic, Method::dense, Method::slepc,
                                       Method::filter, Method::ciss};
  auto& o = r.options;
  o.method = c.dice.pick(methods);
  std::vector<double> gaps = {c.values.minCoeff() - 0.1 * c.norm};
  for (Index i = 0; i + 1 < c.values.size(); ++i)
    if (c.values[i + 1] - c.values[i] > 1e-3 * c.norm)
      gaps.push_back((c.values[i] + c.values[i + 1]) / 2);
  gaps.push_back(c.values.maxCoeff() + 0.1 * c.norm);
  const auto first = static_cast<std::size_t>(c.dice.below(static_cast<int>(gaps.size()) - 1));
  const auto last =
      std::min(gaps.size() - 1, first + 1 + static_cast<std::size_t>(c.dice.below(4)));
  o.interval = {{gaps[first], gaps[last]}};
  for (const double l : c.values)
    if (l > gaps[first] && l < gaps[last]) r.expected.push_back(l);
  r.text = detail::concat("--interval=", gaps[first], ",", gaps[last]);
  return true;
}

bool factorises(const EighOptions& o) {
  return o.method == Method::ciss ||
         (o.method == Method::slepc && (o.sigma || o.interval || o.which == Which::SM));
}

void choose_form(Context& c, Request& r) {
  auto& o = r.options;
  const bool free = c.problem.symmetries.empty() && o.method != Method::dense && !factorises(o) &&
                    o.k != EighOptions::all;
  const int form = c.dice.below(3);
  if (form == 1) o.form = OperatorForm::assembled;
  if (form == 2 && free) o.form = OperatorForm::matrix_free;
  if (o.method != Method::automatic) r.text += detail::concat(" --method ", to_string(o.method));
  if (o.form != OperatorForm::automatic)
    r.text += detail::concat(" --operator ", to_string(o.form));
}

Request random_request(Context& c) {
  Request r;
  const int kind = c.dice.below(10);
  if (kind < 6) {
    ask_end(c, r);
  } else if (kind < 8) {
    ask_target(c, r);
  } else if (kind < 9) {
    ask_interval(c, r);
  } else {
    r.options.k = EighOptions::all;
    r.expected.assign(c.values.begin(), c.values.end());
    r.text = "-k all";
  }
  choose_form(c, r);
  r.options.seed = static_cast<std::uint64_t>(c.dice.below(1000));
  if (r.options.seed != 0) r.text += detail::concat(" --seed ", r.options.seed);
  return r;
}

template <Scalar T>
void check_vectors(Context& c, const SectorOperator& h, const EighResult& result) {
  const auto& vectors = result.vectors_as<T>();
  c.expect(vectors.count() == static_cast<index_t>(result.eigenvalues.size()),
           "vectors are missing");
  Matrix all(c.whole.rows(), vectors.count());
  for (index_t j = 0; j < vectors.count(); ++j) {
    all.col(j) = on_whole_space<T>(c, *h.basis, vectors.column(j));
    const double value = result.eigenvalues[static_cast<std::size_t>(j)];
    const double residual = (c.whole * all.col(j) - value * all.col(j)).norm();
    c.near(residual, 0, 1e-8 * c.norm, "residual of the oracle");
    c.near(result.residuals[static_cast<std::size_t>(j)], residual, 1e-8 * c.norm,
           "residual that is claimed");
  }
  const Matrix gram = all.adjoint() * all;
  c.near((gram - Matrix::Identity(gram.rows(), gram.cols())).cwiseAbs().maxCoeff(), 0, 1e-7,
         "eigenvectors are not orthonormal");
}

template <Scalar T>
void check_pairs(Context& c, const SectorOperator& h) {
  Request r = random_request(c);
  const std::string method = detail::concat(to_string(r.options.method));
  c.check = "eigh " + method;
  c.command = detail::concat("eigh ", c.problem.options(), " ", r.text);
  ++c.tally["eigh " + method];
  const EighResult result = eigh(c.comm, h, r.options);
  const bool sure = result.certified.value_or(true);
  if (!result.converged || !sure) {
    ++c.tally["eigh " + method + (result.converged ? ": not certified" : ": not converged")];
    c.expect(r.options.method != Method::dense,
             "dense: " + result.reason + " " + result.certificate);
    give_up(c, result.reason + "; " + result.certificate);
    return;
  }
  c.expect(result.eigenvalues.size() == r.expected.size(),
           detail::concat(result.eigenvalues.size(), " values, right is ", r.expected.size(), "; ",
                          result.reason, "; ", result.certificate));
  // At equal distances from a target or 0 either of two levels will do.
  const bool either = r.options.sigma || r.options.which == Which::LM;
  const double centre = r.options.sigma.value_or(0);
  const auto distance = [&](double l) { return either ? std::abs(l - centre) : l; };
  auto found = result.eigenvalues, expected = r.expected;
  for (auto* list : {&found, &expected}) {
    for (double& l : *list) l = distance(l);
    std::sort(list->begin(), list->end());
  }
  for (std::size_t i = 0; i < found.size(); ++i)
    c.near(found[i], expected[i], 2e-9 * c.norm,
           ("value; " + result.reason + "; " + result.certificate).c_str());
  for (const double l : result.eigenvalues)
    c.near((c.values.array() - l).abs().minCoeff(), 0, 2e-9 * c.norm,
           "distance of a value from all levels");
  check_vectors<T>(c, h, result);
}

// ---- evolution ---------------------------------------------------------------------------------

template <Scalar T>
void check_evolution(Context& c, const SectorOperator& h) {
  const std::vector<EvolutionMethod> methods = {EvolutionMethod::automatic, EvolutionMethod::solve,
                                                EvolutionMethod::expm, EvolutionMethod::integrate,
                                                EvolutionMethod::mfn};
  EvolutionOptions o{.method = c.dice.pick(methods)};
  if (o.method == EvolutionMethod::mfn && c.dice.chance(0.7)) o.method = EvolutionMethod::expm;
  if (c.dice.chance(0.3)) o.axis = TimeAxis::imaginary;
  const bool imaginary = o.axis == TimeAxis::imaginary;
  const double time = c.dice.uniform(0.01, imaginary ? 3 : 8) / c.norm;
  c.check = detail::concat("evolve ", to_string(o.method), imaginary ? " imaginary" : "");
  ++c.tally[c.check];
  const bool complex = is_complex<T> || c.dice.chance(0.5);
  const std::uint64_t seed = static_cast<std::uint64_t>(c.dice.below(1000));
  EvolutionState start;
  if (complex)
    start = random_vector<Complex>(c, *h.basis, seed);
  else
    start = random_vector<double>(c, *h.basis, seed);
  const auto written_out = [&](const EvolutionState& state) {
    return std::visit(
        [&]<class V>(const DistributedVectors<V>& v) {
          return coordinates(c, on_whole_space<V>(c, *h.basis, v.column(0)));
        },
        state);
  };
  const Vector x = c.vectors.adjoint() * written_out(start);
  const OperatorForm form = c.problem.symmetries.empty() && c.dice.chance(0.5)
                                ? OperatorForm::matrix_free
                                : OperatorForm::automatic;
  const std::vector<double> times = {time / 3, time};
  const auto result = evolve(c.comm, h, start, times, o, {}, form);
  if (!result.converged) {
    ++c.tally[c.check + ": not converged"];
    return;
  }
  const Complex axis = imaginary ? Complex(-1) : Complex(0, -1);
  Vector y = (axis * time * c.values.cast<Complex>()).array().exp().matrix().cwiseProduct(x);
  const double norm = y.norm();
  if (imaginary) y /= norm;
  const Vector found = written_out(result.state);
  c.near((found - c.vectors * y).norm(), 0, 3e-9, "|psi(t) - exp(..) psi|");
  const double energy = (y.adjoint() * (c.values.cast<Complex>().asDiagonal() * y))(0).real();
  c.near(result.energies.back(), energy, 1e-8 * c.norm, "energy");
  if (imaginary) c.near(result.log_norms.back(), std::log(norm), 1e-8, "log_norm");
}

// ---- observables -------------------------------------------------------------------------------

std::vector<int> some_sites(Dice& dice, std::size_t sites) {
  std::vector<int> chosen_sites;
  for (std::size_t i = 0; i < sites; ++i)
    if (dice.chance(0.5)) chosen_sites.push_back(static_cast<int>(i));
  return chosen_sites;
}

OpSum with_terms(const Problem& problem, const Terms& terms) {
  Problem none = problem;
  none.seeds.clear();
  OpSum sum = none.op();
  for (const auto& term : terms) sum.add(term.coefficient, term.factors);
  return sum;
}

double entropy_of(const Eigen::VectorXd& p, double alpha) {
  double sum = 0;
  for (const double x : p)
    if (x > 1e-300) sum += alpha == 1 ? -x * std::log(x) : std::pow(x, alpha);
  return alpha == 1 ? sum : std::log(sum) / (1 - alpha);
}

template <Scalar T>
void check_observables(Context& c, const SectorOperator& h) {
  const auto v = random_vector<T>(c, *h.basis, 8);
  const StateView<T> view(c.comm, *h.basis, v.column(0));
  const Vector psi = on_whole_space<T>(c, *h.basis, v.column(0));

  c.check = "expectation";
  const Terms terms = random_terms(c.dice, c.problem, 3);
  const Sparse dense = dense_operator(c.problem.spaces, terms, c.problem.definitions);
  const Complex right = psi.dot(dense * psi);
  const Complex found = expectation(view, with_terms(c.problem, terms));
  std::string text;
  for (const auto& term : terms) text += " " + term_text(term);
  c.near(std::abs(found - right), 0, 1e-11 * (1 + Matrix(dense).norm()), ("<O> of" + text).c_str());

  c.check = "correlations";
  const auto table = correlation_matrix(view, "P0", "P0");
  const auto n = c.problem.spaces.size();
  const auto i = static_cast<std::size_t>(c.dice.below(static_cast<int>(n))),
             j = static_cast<std::size_t>(c.dice.below(static_cast<int>(n)));
  const Terms pair = {{1, {{"P0", static_cast<int>(i)}, {"P0", static_cast<int>(j)}}}};
  c.near(std::abs(table[i * n + j] - psi.dot(dense_operator(c.problem.spaces, pair, {}) * psi)), 0,
         1e-11, "<P0 P0>");

  c.check = "entropy";
  const auto sites = some_sites(c.dice, n);
  const Matrix m = bipartite(c.problem.spaces, psi, sites);
  const Matrix rho = m * m.adjoint();
  const double alpha = std::vector<double>{1, 2, 0.5, 3}[static_cast<std::size_t>(c.dice.below(4))];
  const Eigen::VectorXd p =
      Eigen::SelfAdjointEigenSolver<Matrix>(rho, Eigen::EigenvaluesOnly).eigenvalues();
  // Orders below 1 weigh what is only rounding in rho.
  const double tolerance = alpha < 1 ? 1e-5 : 1e-9;
  c.near(entanglement_entropy(view, sites, {.alpha = alpha}), entropy_of(p, alpha), tolerance,
         "entropy");

  c.check = "density matrix";
  const auto reduced = reduced_density_matrix(view, sites);
  c.expect(reduced.dim == rho.rows(), "another dimension");
  double off = 0;
  for (index_t a = 0; a < reduced.dim; ++a)
    for (index_t b = 0; b < reduced.dim; ++b)
      off = std::max(off, std::abs(Complex(reduced(a, b)) - rho(a, b)));
  c.near(off, 0, 1e-11, "largest wrong entry");
}

// ---- singular values ---------------------------------------------------------------------------

/// The singular vectors: orthonormal, with the residuals that are claimed.
template <Scalar T>
void check_triplets(const Context& c, const Matrix& dense, double norm,
                    const SvdsResult<T>& result) {
  const auto whole = [&](const DistributedVectors<T>& vectors, Index rows) {
    Matrix all(rows, vectors.count());
    for (index_t j = 0; j < vectors.count(); ++j)
      all.col(j) = as_vector(c.comm.all_gather_v(vectors.column(j)));
    return all;
  };
  const Matrix u = whole(result.left, dense.rows()), v = whole(result.right, dense.cols());
  for (const Matrix* m : {&u, &v})
    c.near((m->adjoint() * *m - Matrix::Identity(m->cols(), m->cols())).cwiseAbs().maxCoeff(), 0,
           1e-7, "singular vectors are not orthonormal");
  for (Index j = 0; j < u.cols(); ++j) {
    const double s = result.singular_values[static_cast<std::size_t>(j)];
    const double residual = std::hypot((dense * v.col(j) - s * u.col(j)).norm(),
                                       (dense.adjoint() * u.col(j) - s * v.col(j)).norm());
    c.near(residual, 0, 1e-8 * norm, "residual of a triplet");
    c.near(result.residuals[static_cast<std::size_t>(j)], residual, 1e-8 * norm,
           "residual of a triplet that is claimed");
  }
}

/// Of the matrix of a sum that is not Hermitian, some of its rows.
template <Scalar T>
void check_svds(Context& c) {
  c.check = "svds";
  Terms terms = random_terms(c.dice, c.problem, 4);
  if constexpr (!is_complex<T>)
    for (auto& term : terms) term.coefficient = term.coefficient.real();
  const OpSum op = with_terms(c.problem, terms);
  if (!is_complex<T> && !op.is_real()) return;
  const auto whole = make_lazy<T>(on_full_space(op));
  const index_t n = whole.rows(), most = 96;
  const index_t height = std::min<index_t>(most, 1 + c.dice.below(static_cast<int>(n)));
  const index_t first = c.dice.below(static_cast<int>(n - height + 1));
  const Lazy<T> part(height, n, [whole, first](RowRange range) {
    auto rows = whole.build({range.begin + first, range.end + first});
    rows.range = range;
    return rows;
  });
  const Matrix dense = Matrix(dense_operator(c.problem.spaces, terms, c.problem.definitions))
                           .middleRows(first, height);
  // The values +-s of [[0, A], [A^H, 0]] are as accurate as those of a Hermitian matrix are.
  Matrix both = Matrix::Zero(height + n, height + n);
  both.topRightCorner(height, n) = dense;
  both.bottomLeftCorner(n, height) = dense.adjoint();
  Eigen::VectorXd all =
      Eigen::SelfAdjointEigenSolver<Matrix>(both, Eigen::EigenvaluesOnly).eigenvalues().reverse();
  const index_t count = std::min(height, n);
  const double norm = std::max(all[0], 1e-300);

  SvdsOptions o{.k = 1 + c.dice.below(static_cast<int>(std::min<index_t>(count, 5)))};
  const std::vector<SvdMethod> methods = {SvdMethod::automatic, SvdMethod::dense,
                                          SvdMethod::bidiagonal, SvdMethod::cross,
                                          SvdMethod::restarted};
  o.method = c.dice.pick(methods);
  if (o.method != SvdMethod::restarted && c.dice.chance(0.3)) o.which = SingularEnd::smallest;
  const bool smallest = o.which == SingularEnd::smallest;
  c.check = detail::concat("svds ", to_string(o.method), smallest ? " smallest" : "");
  std::string text = detail::concat("k ", o.k, ", rows ", first, " to ", first + height, " of");
  for (const auto& term : terms) text += " " + term_text(term);
  ++c.tally[c.check];
  c.note = "; " + text;
  const auto result = svds<T>(c.comm, part, o);
  if (!result.converged || !result.certified) {
    ++c.tally[c.check + (result.converged ? ": not certified" : ": not converged")];
    give_up(c, result.reason + "; " + result.certificate + "; " + text);
    return;
  }
  c.expect(static_cast<index_t>(result.singular_values.size()) == o.k,
           "another number of values; " + text);
  check_triplets<T>(c, dense, norm, result);
  for (index_t i = 0; i < o.k; ++i)
    c.near(result.singular_values[static_cast<std::size_t>(i)],
           std::max(0.0, all[smallest ? count - o.k + i : i]),
           (smallest && o.method == SvdMethod::cross ? 1e-6 : 2e-9) * norm,
           ("singular value; " + result.reason + "; " + text).c_str());
}

template <Scalar T>
void check_all(Context& c, const SectorOperator& h) {
  check_texts(c, h);
  check_rows<T>(c, h);
  check_product<T>(c, h, OperatorForm::assembled);
  if (c.problem.symmetries.empty()) check_product<T>(c, h, OperatorForm::matrix_free);
  for (int i = 0; i < 3; ++i) check_pairs<T>(c, h);
  c.command.clear();
  check_evolution<T>(c, h);
  check_observables<T>(c, h);
  if (dimension(c.problem.spaces) <= 64) check_svds<T>(c);
}

}  // namespace

index_t states_of(const Problem& problem) {
  return subspace(problem.spaces, problem.charges, problem.symmetries).basis.cols();
}

std::optional<Failure> check(const Comm& comm, const Problem& problem, std::uint64_t seed,
                             Tally& tally) {
  Context c = make_context(comm, problem, seed, tally);
  std::vector<std::string> sets;
  for (const char* set : test::instruction_sets)
    if (test::machine_has(set)) sets.push_back(set);
  const test::InstructionSet set(c.dice.pick(sets).c_str());
  std::optional<Failure> failure;
  try {
    c.check = "sector";
    const SectorOperator h = in_sector(comm, problem.op(), problem.sector());
    visit_scalar(h.scalar(), [&]<Scalar T>() { check_all<T>(c, h); });
  } catch (const Disagreement& wrong) {
    failure = wrong.failure;
  } catch (const std::exception& error) {
    failure = Failure{c.check, error.what() + c.note, c.command};
  }
  return failure;
}

}  // namespace kronsolve::storm
