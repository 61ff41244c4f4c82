#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/solvers/certify.hpp>
#include <kronsolve/solvers/checkpoint.hpp>

#include "solvers/frontend/copies.hpp"
#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve::frontend {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A map times a number.
template <Scalar T>
class ScaledMap final : public LinearMap<T> {
 public:
  ScaledMap(std::unique_ptr<LinearMap<T>> map, double factor)
      : LinearMap<T>(map->comm(), map->row_partition(), map->col_partition()),
        map_(std::move(map)),
        factor_(factor) {}
  index_t memory_bytes() const noexcept override { return map_->memory_bytes(); }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    map_->apply(x, y);
    for (T& v : y) v *= factor_;
  }

 private:
  std::unique_ptr<LinearMap<T>> map_;
  double factor_;
};

}  // namespace

template <Scalar T>
MeasuredPair measure(const LinearMap<T>& map, std::span<T> x, std::span<T> y) {
  const Comm& comm = map.comm();
  constexpr double rounding = 1e-10;
  const double size = vec::norm<T>(comm, x);
  const bool other = size > 0 && std::abs(size - 1) > rounding;
  if (other) vec::scale<T>(1 / size, x);
  map.apply(x, y);
  const double value = real_part(vec::dot<T>(comm, x, y)) / (other ? 1 : size * size);
  return {value, vec::distance<T>(comm, value, x, y)};
}

template <Scalar T>
EighProblem<T> in_unit(const EighProblem<T>& problem, double factor) {
  EighProblem<T> scaled = problem;
  scaled.largest = 0;
  scaled.scaled = true;
  scaled.rows = {problem.rows.rows(), problem.rows.cols(),
                 [rows = problem.rows, factor](RowRange range) {
                   auto piece = rows.build(range);
                   for (T& v : piece.values) v *= factor;
                   return piece;
                 }};
  if (problem.matrix_free)
    scaled.matrix_free = [make = problem.matrix_free, factor]() -> std::unique_ptr<LinearMap<T>> {
      return std::make_unique<ScaledMap<T>>(make(), factor);
    };
  return scaled;
}

Stopwatch::Stopwatch() : began_(now()) {}
double Stopwatch::seconds() const { return now() - began_; }

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>& problem, OperatorForm form) {
  if (form == OperatorForm::matrix_free) return problem.matrix_free();
  problem.prepare_rows();
  if (problem.sector_rows && !problem.scaled)
    return std::make_unique<AssembledMap<T>>(*problem.comm, problem.sector_rows->stored());
  return std::make_unique<AssembledMap<T>>(*problem.comm, problem.rows, problem.partition);
}

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>& problem, OperatorForm form,
                                       const EighOptions& options) {
  return project(make_map(problem, form), options);
}

template <Scalar T>
void finish_pairs(const LinearMap<T>& map, DistributedVectors<T>& vectors, EighResult& result) {
  Buffer<T> product(map.row_range().size());
  result.eigenvalues.clear();
  result.residuals.clear();
  for (index_t j = 0; j < vectors.count(); ++j) {
    const MeasuredPair pair = measure<T>(map, vectors.column(j), product.span());
    result.eigenvalues.push_back(pair.value);
    result.residuals.push_back(pair.residual);
    // Rounding may swap neighbours of a cluster.
    for (auto i = static_cast<std::size_t>(j);
         i > 0 && result.eigenvalues[i] < result.eigenvalues[i - 1]; --i) {
      std::swap(result.eigenvalues[i], result.eigenvalues[i - 1]);
      std::swap(result.residuals[i], result.residuals[i - 1]);
      const auto a = vectors.column(static_cast<index_t>(i)),
                 b = vectors.column(static_cast<index_t>(i) - 1);
      std::swap_ranges(a.begin(), a.end(), b.begin());
    }
  }
  vec::fix_phases(map.comm(), vectors);
}

template <Scalar T>
void drop_repeated(const LinearMap<T>& map, DistributedVectors<T>& vectors, EighResult& result) {
  constexpr double orthogonal = 1e-6, nothing_left = 1e-3;
  const index_t count = vectors.count();
  const auto gram = vec::inner<T>(map.comm(), {vectors, 0, count}, {vectors, 0, count});
  bool repeated = false;
  for (index_t i = 0; i < count; ++i)
    for (index_t j = 0; j < i; ++j)
      repeated |= std::abs(gram[static_cast<std::size_t>(i * count + j)]) > orthogonal;
  if (!repeated) return;
  DistributedVectors<T> kept(vectors.partition(), vectors.rank(), 0);
  for (index_t j = 0; j < count; ++j) {
    const auto x = kept.add_column();
    vec::copy<T>(std::as_const(vectors).column(j), x);
    const double left = vec::project_out<T>(map.comm(), {kept, 0, kept.count() - 1}, x).norm;
    if (left < nothing_left)
      kept.drop_last();
    else
      vec::scale<T>(1 / left, x);
  }
  vectors = std::move(kept);
  finish_pairs(map, vectors, result);
}

std::vector<index_t> select(std::span<const double> ascending, Which which,
                            std::optional<double> sigma, index_t k) {
  std::vector<index_t> order(ascending.size());
  std::iota(order.begin(), order.end(), index_t{0});
  const auto value = [&](index_t i) { return ascending[static_cast<std::size_t>(i)]; };
  const auto by = [&](auto key) {
    std::stable_sort(order.begin(), order.end(),
                     [&](index_t a, index_t b) { return key(a) < key(b); });
  };
  switch (which) {
    case Which::SA:
      break;
    case Which::LA:
      std::reverse(order.begin(), order.end());
      break;
    case Which::LM:
      by([&](index_t i) { return -std::abs(value(i)); });
      break;
    case Which::SM:
      by([&](index_t i) { return std::abs(value(i)); });
      break;
    case Which::TM:
    case Which::TR:
      by([&](index_t i) { return std::abs(value(i) - sigma.value_or(0)); });
      break;
  }
  order.resize(static_cast<std::size_t>(std::min<index_t>(k, static_cast<index_t>(order.size()))));
  std::sort(order.begin(), order.end());
  return order;
}

template <Scalar T>
double judge(PairsReport& result, const Tolerance<T>& tolerance,
             const DistributedVectors<T>& vectors, index_t wanted) {
  const auto verdict = tolerance.judge(result.eigenvalues, result.residuals, vectors);
  result.converged_pairs = verdict.converged;
  result.converged =
      result.converged_pairs == wanted && static_cast<index_t>(result.eigenvalues.size()) == wanted;
  if (!verdict.limit.empty() && result.reason.find(verdict.limit) == std::string::npos)
    result.reason += (result.reason.empty() ? "" : "; ") + verdict.limit;
  return verdict.least_scale;
}

namespace {

template <Scalar T>
void keep_pairs(EighResult& result, DistributedVectors<T>& vectors,
                const std::vector<index_t>& kept) {
  for (std::size_t i = 0; i < kept.size(); ++i) {
    result.eigenvalues[i] = result.eigenvalues[static_cast<std::size_t>(kept[i])];
    result.residuals[i] = result.residuals[static_cast<std::size_t>(kept[i])];
  }
  result.eigenvalues.resize(kept.size());
  result.residuals.resize(kept.size());
  vectors.keep(kept);
}

}  // namespace

template <Scalar T>
void keep_nearest(EighResult& result, DistributedVectors<T>& vectors, double sigma, index_t k) {
  keep_pairs(result, vectors, select(result.eigenvalues, Which::TM, sigma, k));
}

template <Scalar T>
void keep_largest(EighResult& result, DistributedVectors<T>& vectors, index_t k) {
  keep_pairs(result, vectors, select(result.eigenvalues, Which::LM, {}, k));
}

template <Scalar T>
void certify_copies(const LinearMap<T>& map, DistributedVectors<T>& vectors, const EighOptions& o,
                    PairsReport& result) {
  const bool guessed = o.start.index() != 0;  // by somebody who may be wrong
  if (!o.certify || (o.k < 2 && !guessed) || !result.converged) return;
  if (o.k == map.rows()) {
    result.certified = true;
    result.certificate = "there are no other levels";
    return;
  }
  if (o.which != Which::SA && o.which != Which::LA) return;
  const Certificate found = certify_levels(
      map, result.eigenvalues, result.residuals, vectors,
      {.which = o.which, .tol = o.tol, .seed = o.seed + 1, .checkpoint = o.checkpoint});
  result.certified = found.certified;
  result.certificate = found.text;
  result.certify_products = found.products;
  if (found.inserted == 0) return;
  judge(result, Tolerance<T>(map, o.tol), vectors, o.k);
  vec::fix_phases(map.comm(), vectors);
}

namespace {

/// What is known of pairs besides values and vectors.
void write_report(CheckpointWriter& writer, bool solved, const PairsReport& report) {
  const auto as_number = [](const auto& value) { return static_cast<double>(value); };
  writer.numbers("report",
                 std::vector<double>{as_number(solved), as_number(report.residual_kind),
                                     as_number(report.converged), as_number(report.converged_pairs),
                                     as_number(report.iterations), as_number(report.products)});
  writer.numbers("values", report.eigenvalues);
  writer.numbers("residuals", report.residuals);
  writer.text("reason", report.reason);
}

/// Returns `solved`.
bool read_report(const CheckpointReader& reader, PairsReport& report) {
  const auto numbers = reader.numbers("report");
  report.residual_kind = static_cast<ResidualKind>(static_cast<int>(numbers.at(1)));
  report.converged = numbers.at(2) != 0;
  report.converged_pairs = static_cast<index_t>(numbers.at(3));
  report.iterations = static_cast<index_t>(numbers.at(4));
  report.products = static_cast<index_t>(numbers.at(5));
  report.eigenvalues = reader.numbers("values");
  report.residuals = reader.numbers("residuals");
  report.reason = reader.text("reason");
  return numbers.at(0) != 0;
}

}  // namespace

template <Scalar T>
void solve_and_certify(const EighProblem<T>& p, const LinearMap<T>& map, const EighOptions& o,
                       PairsReport& report, DistributedVectors<T>& vectors,
                       const std::function<void()>& solve) {
  bool solved = false;  // the rest is the certificate
  const CheckpointStage stage(o.checkpoint, "levels", [&](CheckpointWriter& writer) {
    write_report(writer, solved, report);
  });
  if (stage.saved() != nullptr) solved = read_report(*stage.saved(), report);
  if (solved) {  // the pairs themselves are with the certificate
    vectors = DistributedVectors<T>(p.partition, p.comm->rank(), o.k);
  } else {
    solve();
    put_in_copies(p, map, o, report, vectors);
  }
  solved = true;
  certify_copies(map, vectors, o, report);
}

#define KRONSOLVE_DEFINE(T)                                                                        \
  template MeasuredPair measure(const LinearMap<T>&, std::span<T>, std::span<T>);                  \
  template std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>&, OperatorForm);            \
  template std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>&, OperatorForm,             \
                                                  const EighOptions&);                             \
  template void finish_pairs(const LinearMap<T>&, DistributedVectors<T>&, EighResult&);            \
  template void drop_repeated(const LinearMap<T>&, DistributedVectors<T>&, EighResult&);           \
  template EighProblem<T> in_unit(const EighProblem<T>&, double);                                  \
  template double judge(PairsReport&, const Tolerance<T>&, const DistributedVectors<T>&, index_t); \
  template void keep_nearest(EighResult&, DistributedVectors<T>&, double, index_t);                \
  template void keep_largest(EighResult&, DistributedVectors<T>&, index_t);                        \
  template void certify_copies(const LinearMap<T>&, DistributedVectors<T>&, const EighOptions&,    \
                               PairsReport&);                                                      \
  template void solve_and_certify(const EighProblem<T>&, const LinearMap<T>&, const EighOptions&,  \
                                  PairsReport&, DistributedVectors<T>&,                            \
                                  const std::function<void()>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::frontend
