#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <variant>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/measure/out_of_time_order.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>

#include "measure/excitation.hpp"
#include "solvers/spectra/sector_transfer.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Vector = DistributedVectors<Complex>;

/// What an operator adds to each charge of the first sector, and then to each momentum.
using Change = std::vector<int>;

/// An operator by what its parts change.
struct Changing {
  std::map<Change, OpSum> parts;
  double norm = 0;  ///< no less than the 2-norm
};

/// A state in the sectors that its parts lie in.
struct Parts {
  std::map<Change, Vector> vectors;
  double error = 0;  ///< 2-norm of what it may differ from the exact one by
};

/// The root of largest row sum times largest column sum, which no 2-norm exceeds.
double norm_bound(const LocalMatrix& matrix) {
  double rows = 0, cols = 0;
  for (int i = 0; i < matrix.dim(); ++i) {
    double row = 0, col = 0;
    for (int j = 0; j < matrix.dim(); ++j) {
      row += std::abs(matrix(i, j));
      col += std::abs(matrix(j, i));
    }
    rows = std::max(rows, row);
    cols = std::max(cols, col);
  }
  return std::sqrt(rows * cols);
}
double norm_bound(const OpSum& op) {
  double sum = 0;
  for (const auto& term : op.product_terms()) {
    double product = std::abs(term.coefficient);
    for (const auto& [site, matrix] : term.factors) product *= norm_bound(matrix);
    sum += product;
  }
  return sum;
}

/// The sectors that W and V lead to, H in each of them, and what is done with states there.
class Sectors {
 public:
  Sectors(const Comm& comm, const SectorOperator& h, const OpSum& moved,
          std::span<const OpSum> probes, const OutOfTimeOrderOptions& options)
      : comm_(comm), h_(h), options_(options), from_(sector_of(*h.basis)) {
    keep_momenta(moved, probes);
    moved_ = changing(moved);
    for (const auto& probe : probes) probes_.push_back(changing(probe));
    require_vectors();
  }

  const Changing& moved() const { return moved_; }
  const std::vector<Changing>& probes() const { return probes_; }
  index_t products() const { return products_; }
  bool converged() const { return converged_; }

  /// A state of the basis of h, normalised, in the first of the sectors.
  Parts start(std::span<const Complex> psi) {
    const Change none(from_.charges.size() + from_.generators.size(), 0);
    OpSum one(h_.op.spaces());
    one.add(1, {});
    const detail::SectorTransfer<Complex> lift(comm_, one, *h_.basis, *at(none)->basis);
    Vector lifted = lift(psi);
    const double norm = vec::norm<Complex>(comm_, std::as_const(lifted).column(0));
    if (!(norm > 0) || !std::isfinite(norm))
      throw InvalidArgument("out_of_time_order: the state must be finite and not zero");
    vec::scale<Complex>(1 / norm, lifted.column(0));
    Parts result;
    result.vectors.emplace(none, std::move(lifted));
    return result;
  }

  Parts apply(const Changing& op, const Parts& psi) {
    Parts result{{}, op.norm * psi.error};
    for (const auto& [place, vector] : psi.vectors)
      for (const auto& [change, part] : op.parts) {
        const Change there = added(place, change);
        const Room* to = at(there);
        if (to == nullptr) continue;  // no state there: the operator makes 0 of these
        const detail::SectorTransfer<Complex> transfer(comm_, part, *at(place)->basis, *to->basis);
        if (!from_.rules.empty()) transfer.require_inside(vector.column(0));
        Vector image = transfer(vector.column(0));
        const auto [known, fresh] = result.vectors.try_emplace(there);
        if (fresh)
          known->second = std::move(image);
        else
          vec::axpy<Complex>(1, std::as_const(image).column(0), known->second.column(0));
      }
    return result;
  }

  /// Follows a state from one time to another.
  /// @param share_of  so many such courses, one after the other, share the tolerance
  void follow(Parts& psi, double begin, double end, std::size_t share_of) {
    if (begin == end) return;
    for (auto& [place, vector] : psi.vectors) {
      const double norm = vec::norm<Complex>(comm_, std::as_const(vector).column(0));
      if (norm == 0) continue;
      const Room& room = *at(place);
      EvolutionOptions steps = options_.steps;
      steps.start = begin;
      steps.bounds = room.bounds;
      steps.progress = {};
      steps.checkpoint = nullptr;
      std::visit(
          [&](const auto& map) {
            Evolution course(*map, vector, steps);
            course.at_times(std::array{end}, {}, share_of);
            products_ += course.products();
            converged_ = converged_ && course.error() <= options_.steps.tol;
            psi.error += course.error() * norm;
            vector = std::get<Vector>(std::move(course).take_state());
          },
          room.map);
    }
  }

  /// F and C of a = W(t) V|psi> and b = V W(t)|psi>.
  OutOfTimeOrderPoint compare(const Parts& a, const Parts& b) const {
    OutOfTimeOrderPoint point;
    double a_squared = 0, b_squared = 0;
    const auto add = [&](const Vector* x, const Vector* y) {
      const auto norm_squared = [&](const Vector* z) {
        return z == nullptr ? 0 : vec::norm_squared<Complex>(comm_, z->column(0));
      };
      const double nx = norm_squared(x), ny = norm_squared(y);
      a_squared += nx;
      b_squared += ny;
      if (x == nullptr || y == nullptr) {
        point.commutator += nx + ny;
        return;
      }
      point.correlation += vec::dot<Complex>(comm_, y->column(0), x->column(0));
      const double length = vec::distance<Complex>(comm_, 1, x->column(0), y->column(0));
      point.commutator += length * length;
    };
    for (const auto& [place, vector] : a.vectors) {
      const auto other = b.vectors.find(place);
      add(&vector, other == b.vectors.end() ? nullptr : &other->second);
    }
    for (const auto& [place, vector] : b.vectors)
      if (!a.vectors.contains(place)) add(nullptr, &vector);
    const double both = a.error + b.error;
    point.error = std::max(
        std::sqrt(a_squared) * b.error + std::sqrt(b_squared) * a.error + a.error * b.error,
        (2 * std::sqrt(point.commutator) + both) * both);
    return point;
  }

 private:
  /// A sector, and H in it.
  struct Room {
    std::shared_ptr<const Basis> basis;
    std::variant<std::unique_ptr<LinearMap<double>>, std::unique_ptr<LinearMap<Complex>>> map;
    SpectralBounds bounds;
  };

  /// Momenta where every operator changes them by its own amount; no other symmetry. Operators of a
  /// few sites have none of them, and then a state is written in configurations.
  void keep_momenta(const OpSum& moved, std::span<const OpSum> probes) {
    auto& all = from_.generators;
    std::erase_if(all, [](const SymmetryGenerator& g) {
      return !g.name.starts_with("momentum") || g.flip == SpinFlip::yes;
    });
    const auto kept = [&](const OpSum& op) {
      return std::all_of(all.begin(), all.end(), [&](const SymmetryGenerator& g) {
        return detail::momentum_change(op, g).has_value();
      });
    };
    if (!kept(moved) || !std::all_of(probes.begin(), probes.end(), kept)) all.clear();
  }

  Changing changing(const OpSum& op) const {
    if (op.spaces() != h_.op.spaces())
      throw DimensionError("out_of_time_order: the operators must be about the sites of h");
    Changing result{{}, norm_bound(op)};
    for (auto& [shifts, part] : detail::by_charge_shift(op, from_.charges)) {
      Change change = shifts;
      for (const auto& g : from_.generators) change.push_back(*detail::momentum_change(op, g));
      result.parts.emplace(added(Change(change.size(), 0), change), std::move(part));
    }
    return result;
  }

  /// The sum, of momenta and of charges with a modulus reduced.
  Change added(const Change& x, const Change& y) const {
    Change sum = x;
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const int of = i < from_.charges.size() ? from_.charges[i].rule.modulus
                                              : from_.generators[i - from_.charges.size()].of;
      sum[i] += y[i];
      if (of > 0) sum[i] = (sum[i] % of + of) % of;
    }
    return sum;
  }

  Sector sector_at(const Change& change) const {
    Sector sector = from_;
    sector.conditions.clear();
    std::size_t at = 0;
    for (auto& charge : sector.charges) {
      auto& rule = charge.rule;
      rule.target += change[at++];
      if (rule.modulus > 0)
        rule.target = (rule.target % rule.modulus + rule.modulus) % rule.modulus;
      sector.conditions.push_back(charge.text());
    }
    for (auto& g : sector.generators) {
      // T W|psi> = exp(2 pi i change / of) W T|psi>.
      g.turns = (g.turns + change[at++]) % g.of;
      g.name = detail::concat(g.name.substr(0, g.name.find('=')), "=", (g.of - g.turns) % g.of);
      sector.conditions.push_back(g.name);
    }
    return sector;
  }

  /// Nothing where there are no states.
  const Room* at(const Change& change) {
    const auto [place, fresh] = rooms_.try_emplace(change);
    if (!fresh) return place->second ? &*place->second : nullptr;
    const Sector sector = sector_at(change);
    if (!detail::has_states(sector)) return nullptr;
    const SectorOperator op = in_sector(comm_, h_.op, sector);
    const auto planned =
        prepare_evolution(comm_, op, ScalarKind::complex, options_.steps, options_.form);
    std::visit(
        [&](const auto& make) {
          auto map = make();
          const auto bounds = spectral_bounds(*map);
          products_ += bounds.products;
          place->second = Room{op.basis, std::move(map), bounds};
        },
        planned.make_map);
    return &*place->second;
  }

  /// All states that are there at once: those that are followed, one for each probe besides psi,
  /// and ten more while two of them are compared.
  void require_vectors() const {
    const auto states = [&](const Change& change) {
      const Sector sector = sector_at(change);
      return detail::has_states(sector) ? sector_size(sector) : index_t{0};
    };
    const index_t first = states(Change(from_.charges.size() + from_.generators.size(), 0));
    index_t rows = first, largest = first;
    for (const auto& probe : probes_) {
      for (const auto& part : probe.parts) {
        const index_t there = states(part.first);
        rows += there;
        largest = std::max(largest, there);
      }
    }
    rows += 10 * largest;
    require_memory(comm_, rows / comm_.size() * static_cast<index_t>(sizeof(Complex)),
                   detail::concat("out_of_time_order: the states of ", probes_.size(),
                                  " probes (fewer at a time need less)"));
  }

  const Comm& comm_;
  const SectorOperator& h_;
  const OutOfTimeOrderOptions& options_;
  Sector from_;  ///< of the state, with those symmetries that are kept
  Changing moved_;
  std::vector<Changing> probes_;
  std::map<Change, std::optional<Room>> rooms_;
  index_t products_ = 0;
  bool converged_ = true;
};

/// Courses back in time that are done, for who watches.
class Courses {
 public:
  Courses(const Comm& comm, const OutOfTimeOrderOptions& options, std::size_t all)
      : told_(comm.is_root() ? options.progress : decltype(options.progress)()),
        all_(static_cast<index_t>(all)) {}
  void one_more() {
    if (told_) told_(++done_, all_);
  }

 private:
  std::function<void(index_t, index_t)> told_;
  index_t done_ = 0, all_;
};

using Points = std::vector<std::vector<OutOfTimeOrderPoint>>;

Points points_of(Sectors& sectors, std::span<const Complex> psi, std::span<const double> times,
                 double begin, Courses& courses) {
  const auto& probes = sectors.probes();
  Parts plain = sectors.start(psi);
  std::vector<Parts> probed;
  for (const auto& probe : probes) probed.push_back(sectors.apply(probe, plain));
  Points points(probes.size());
  double now = begin;
  for (const double time : times) {
    const auto moved_back = [&](Parts& forth) {
      sectors.follow(forth, now, time, times.size());
      Parts back = sectors.apply(sectors.moved(), forth);
      sectors.follow(back, time, begin, 1);
      courses.one_more();
      return back;
    };
    const Parts moved = moved_back(plain);
    for (std::size_t p = 0; p < probes.size(); ++p) {
      const Parts a = moved_back(probed[p]);
      points[p].push_back(sectors.compare(a, sectors.apply(probes[p], moved)));
    }
    now = time;
  }
  return points;
}

void check(std::span<const OpSum> probes, std::span<const double> times) {
  if (probes.empty()) throw InvalidArgument("out_of_time_order: give one probe or more, got none");
  for (const double time : times)
    if (!std::isfinite(time))
      throw InvalidArgument(
          detail::concat("out_of_time_order: times must be finite numbers, got ", time));
}

}  // namespace

OutOfTimeOrder out_of_time_order(const Comm& comm, const SectorOperator& h, const OpSum& moved,
                                 std::span<const OpSum> probes, const EvolutionState& psi,
                                 std::span<const double> times,
                                 const OutOfTimeOrderOptions& options) {
  check(probes, times);
  Buffer<Complex> start(h.basis->partition(comm.size()).range(comm.rank()).size());
  std::visit(
      [&](const auto& state) {
        if (state.count() != 1 || state.partition() != h.basis->partition(comm.size()))
          throw DimensionError(
              "out_of_time_order: the state must be one column on the rows of the basis of h");
        const auto column = state.column(0);
        std::copy(column.begin(), column.end(), start.data());
      },
      psi);
  Sectors sectors(comm, h, moved, probes, options);
  Courses courses(comm, options, times.size() * (probes.size() + 1));
  OutOfTimeOrder result{.times = {times.begin(), times.end()}};
  result.points =
      points_of(sectors, std::as_const(start).span(), times, options.steps.start, courses);
  result.products = sectors.products();
  result.converged = sectors.converged();
  return result;
}

OutOfTimeOrder mean_out_of_time_order(const Comm& comm, const SectorOperator& h, const OpSum& moved,
                                      std::span<const OpSum> probes, std::span<const double> times,
                                      const OutOfTimeOrderOptions& options) {
  check(probes, times);
  if (options.samples < 2)
    throw InvalidArgument(detail::concat(
        "out_of_time_order: samples must be 2 or more, of which errors are made, got ",
        options.samples));
  Sectors sectors(comm, h, moved, probes, options);
  const auto samples = static_cast<std::size_t>(options.samples);
  Courses courses(comm, options, samples * times.size() * (probes.size() + 1));
  std::vector<Points> found;
  const RowRange mine = h.basis->partition(comm.size()).range(comm.rank());
  Buffer<Complex> random(mine.size());
  for (std::size_t r = 0; r < samples; ++r) {
    fill_normal(random.span(), mine, options.seed, static_cast<std::uint32_t>(r));
    found.push_back(
        points_of(sectors, std::as_const(random).span(), times, options.steps.start, courses));
  }
  OutOfTimeOrder result{.times = {times.begin(), times.end()},
                        .points = found.front(),
                        .samples = options.samples,
                        .products = sectors.products(),
                        .converged = sectors.converged()};
  const double n = static_cast<double>(samples);
  for (std::size_t p = 0; p < probes.size(); ++p)
    for (std::size_t t = 0; t < times.size(); ++t) {
      OutOfTimeOrderPoint mean;
      for (const auto& one : found) {
        mean.correlation += one[p][t].correlation / n;
        mean.commutator += one[p][t].commutator / n;
        mean.error = std::max(mean.error, one[p][t].error);
      }
      double of_correlation = 0, of_commutator = 0;
      for (const auto& one : found) {
        of_correlation += std::norm(one[p][t].correlation - mean.correlation);
        of_commutator += std::pow(one[p][t].commutator - mean.commutator, 2);
      }
      mean.correlation_deviation = std::sqrt(of_correlation / (n * (n - 1)));
      mean.commutator_deviation = std::sqrt(of_commutator / (n * (n - 1)));
      result.points[p][t] = mean;
    }
  return result;
}

}  // namespace kronsolve
