#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/neighbours.hpp>

#include "solvers/families/first_pairs.hpp"
#include "solvers/families/operator_line.hpp"
#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve {

namespace {

constexpr double nothing = -std::numeric_limits<double>::infinity();
constexpr std::size_t most_kept = 6;
/// A polynomial through more points gains little and adds up their residuals.
constexpr std::size_t most_points = 5;

/// Only the lowest pairs, by a method that starts from a vector.
bool starts_from_a_vector(const EighOptions& o) {
  return o.which == Which::SA && !o.sigma && !o.position && !o.interval &&
         o.k != EighOptions::all && o.start.index() == 0 && o.against.index() == 0 &&
         o.vectors == Eigenvectors::compute && o.certify && o.petsc_options.empty() &&
         (o.method == Method::automatic || o.method == Method::lanczos);
}

/// Vectors of the same text fit together.
std::string text_of(const SectorOperator& h, const EighOptions& o) {
  std::string text = detail::concat(h.dimension(), " ", o.k, " ", to_string(h.scalar()));
  for (const auto& space : h.op.spaces()) text += " " + space.name();
  for (const auto& condition : h.basis->sector()) text += " " + condition;
  return text;
}

/// A name that no other process gives.
std::uint64_t new_name(std::uint64_t salt) {
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return static_cast<std::uint64_t>(now) * 0x9E3779B97F4A7C15u + salt;
}

/// Weights of the values at these places in the polynomial through them, at 1.
std::vector<double> weights_at_one(const std::vector<double>& places) {
  std::vector<double> weights(places.size(), 1);
  for (std::size_t i = 0; i < places.size(); ++i)
    for (std::size_t j = 0; j < places.size(); ++j)
      if (j != i) weights[i] *= (1 - places[j]) / (places[i] - places[j]);
  return weights;
}

void add_cost(EighResult& result, const EighResult& before) {
  result.products += before.products;
  result.certify_products += before.certify_products;
  result.iterations += before.iterations;
  result.setup_seconds += before.setup_seconds;
  result.solve_seconds += before.solve_seconds;
}

template <Scalar T>
DistributedVectors<T> copied(const DistributedVectors<T>& vectors) {
  auto copy = vec::like(vectors);
  vec::copy(vectors, copy);
  return copy;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

namespace families {

void keep_first(EighResult& result, index_t k) {
  const auto count = std::min(static_cast<std::size_t>(k), result.eigenvalues.size());
  result.eigenvalues.resize(count);
  result.residuals.resize(count);
  result.converged_pairs = std::min(result.converged_pairs, k);
  std::vector<index_t> first(count);
  std::iota(first.begin(), first.end(), index_t{0});
  std::visit([&](auto& vectors) { vectors.keep(first); }, result.vectors);
}

double certified_within(const OpSum& op, const EighOptions& options) {
  constexpr double margins = 10;  // the certificate's own is four, of a scale that is no larger
  return margins * options.tol * size(op);
}

}  // namespace families

/// What is kept is of use to the ranks that hold it together: others, and other operators, begin
/// anew.
void Neighbours::begin(const Comm& comm, const SectorOperator& h, const EighOptions& options) {
  const auto text = text_of(h, options);
  std::array<std::uint64_t, 2> root = {ranks_, solves_};
  comm.broadcast(std::span<std::uint64_t>(root));
  const bool known = ranks_ == root[0] && solves_ == root[1] && ranks_ != 0 && family_ == text;
  if (comm.all(known)) return;
  ranks_ = new_name(static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(this)));
  comm.broadcast(std::span(&ranks_, 1));
  solves_ = 0;
  family_ = text;
  kept_.clear();
  covered_ = -1;
  pause_ = 0;
  longer_ = 4;
}

/// The level after the pairs is worth a look if the last time it has served several solves.
bool Neighbours::should_look_beyond(index_t k) {
  const index_t worth = k == 1 ? 6 : 1;
  if (pause_ == 0 && covered_ >= 0 && covered_ < worth) {
    pause_ = longer_;
    longer_ = std::min<index_t>(64, 2 * longer_);
    covered_ = -1;
  }
  if (pause_ == 0) return true;
  --pause_;
  return false;
}

Neighbours::Guess Neighbours::guess(const Comm& comm, const OpSum& op) const {
  std::vector<double> distances;
  Guess guess{.start = {}, .beyond = nothing};
  for (const auto& one : kept_) {
    const OpSum change = op - one.op;
    distances.push_back(families::size(change));
    guess.beyond = std::max(guess.beyond, one.beyond + lower_bound(change));
  }
  std::vector<std::size_t> order(kept_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return distances[a] < distances[b]; });
  // Those on the line through the nearest and this one, which lie at 0 and 1.
  const auto& nearest = kept_[order.front()];
  std::vector<const Kept*> points = {&nearest};
  std::vector<double> places = {0};
  for (std::size_t i = 1; i < order.size() && points.size() < most_points; ++i) {
    if (distances[order.front()] == 0) break;
    const auto place = families::place_on_line(nearest.op, op, kept_[order[i]].op);
    const bool is_new = place && std::none_of(places.begin(), places.end(), [&](double other) {
                          return std::abs(other - place->t) < 1e-3;
                        });
    if (!is_new) continue;
    points.push_back(&kept_[order[i]]);
    places.push_back(place->t);
  }
  const auto weights = weights_at_one(places);
  for (std::size_t i = 0; i < points.size(); ++i)
    guess.last_value += weights[i] * points[i]->values.back();
  std::visit(
      [&]<Scalar T>(const DistributedVectors<T>& first) {
        auto sum = vec::like(first);
        for (std::size_t i = 0; i < points.size(); ++i) {
          const auto& one = std::get<DistributedVectors<T>>(points[i]->vectors);
          // Its vectors as the nearest has them: the same signs, the same ones of a level.
          const auto turned = vec::inner<T>(comm, vec::Columns<T>(one), vec::Columns<T>(first));
          vec::add_combinations<T>(T(weights[i]), vec::Columns<T>(one), turned, sum, 0,
                                   sum.count());
        }
        std::vector<T> start(static_cast<std::size_t>(first.row_range().size()));
        for (index_t j = 0; j < sum.count(); ++j)
          vec::axpy<T>(T(1), std::as_const(sum).column(j), start);
        guess.start = std::move(start);
      },
      nearest.vectors);
  return guess;
}

void Neighbours::keep(const OpSum& op, const EighResult& result, double beyond) {
  std::visit(
      [&]<Scalar T>(const DistributedVectors<T>& vectors) {
        const index_t bytes = vectors.partition().max_local_rows() * vectors.count() *
                              static_cast<index_t>(sizeof(T));
        const auto room = std::min(
            most_kept, static_cast<std::size_t>(most_bytes_ / std::max<index_t>(1, bytes)));
        while (!kept_.empty() && kept_.size() >= std::max<std::size_t>(1, room)) kept_.pop_front();
        if (room > 0) kept_.push_back({op, result.eigenvalues, beyond, Vectors(copied(vectors))});
      },
      result.vectors);
}

EighResult Neighbours::solve(const Comm& comm, const SectorOperator& h,
                             const EighOptions& options) {
  // As eigh does; from the guess, below a bound that neighbours give; with one pair more; with
  // eigh's own certificate.
  enum class Way { alone, below_bound, one_more, certified };
  Way way = Way::alone;
  Guess guess{.start = {}, .beyond = nothing};
  EighResult spent;  // on ways that led nowhere
  const auto numbers = [&] {
    return std::tie(way, guess.beyond, spent.products, spent.certify_products, spent.iterations);
  };
  const auto rows = h.basis->partition(comm.size());
  const CheckpointStage stage(options.checkpoint, "neighbours", [&](CheckpointWriter& writer) {
    writer.numbers("way", numbers());
    if (const auto* real = std::get_if<1>(&guess.start))
      writer.vectors<double>("guess", rows, {*real});
    if (const auto* complex = std::get_if<2>(&guess.start))
      writer.vectors<std::complex<double>>("guess", rows, {*complex});
  });
  const auto without_bound = [&] {
    const bool look = options.k < h.dimension() && should_look_beyond(options.k);
    return look ? Way::one_more : options.k == 1 ? Way::alone : Way::certified;
  };
  if (const auto* saved = stage.saved()) {
    saved->numbers("way", numbers());
    if (way != Way::alone)
      visit_scalar(h.scalar(), [&]<Scalar T>() {
        std::vector<T> start(static_cast<std::size_t>(rows.range(comm.rank()).size()));
        saved->vectors<T>("guess", rows, {std::span<T>(start)});
        guess.start = std::move(start);
      });
  } else if (!kept_.empty()) {
    guess = this->guess(comm, h.op);
    way = guess.last_value < guess.beyond ? Way::below_bound : without_bound();
  }
  EighOptions from_there = options;
  from_there.start = guess.start;
  if (way == Way::below_bound) {
    from_there.certify = false;
    auto first = kronsolve::eigh(comm, h, from_there);
    const double last = first.eigenvalues.back() + sum_of(first.residuals);
    if (first.converged && last < guess.beyond) {
      first.certified = true;
      first.certificate = detail::concat("no level outside the pairs below ", guess.beyond,
                                         ": those of a neighbour cannot have come down further");
      if (covered_ >= 0 && ++covered_ >= 6) longer_ = 4;
      keep(h.op, first, guess.beyond);
      return first;
    }
    from_there.certify = true;
    spent = std::move(first);
    way = without_bound();
  }
  if (way == Way::one_more) {  // and the certificate: then the level after the pairs is known
    EighOptions more = from_there;
    ++more.k;
    auto result = kronsolve::eigh(comm, h, more);
    add_cost(result, spent);
    if (result.converged && result.certified.value_or(false)) {
      const double beyond = result.eigenvalues.back() - sum_of(result.residuals) -
                            families::certified_within(h.op, options);
      families::keep_first(result, options.k);
      covered_ = 0;
      keep(h.op, result, beyond);
      return result;
    }
    spent = std::move(result);
    way = Way::alone;
  }
  auto result = kronsolve::eigh(comm, h, way == Way::alone ? options : from_there);
  add_cost(result, spent);
  if (result.converged && (!kept_.empty() || result.method == Method::lanczos))
    keep(h.op, result, nothing);
  return result;
}

EighResult Neighbours::eigh(const Comm& comm, const SectorOperator& h, const EighOptions& options) {
  if (!starts_from_a_vector(options) || !h.basis) return kronsolve::eigh(comm, h, options);
  if (options.checkpoint != nullptr)
    frontend::identify(*options.checkpoint, h.dimension(), h.scalar(), "of neighbours", options);
  begin(comm, h, options);
  auto result = solve(comm, h, options);
  ++solves_;
  return result;
}

}  // namespace kronsolve
