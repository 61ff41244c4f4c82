#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <limits>

#include <kronsolve/core/comm_objects.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/state_view.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/dense.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

#include "measure/total_spin.hpp"
#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve {

namespace {

/// Sectors up to this size are solved by single ranks: below a second, and small in memory.
constexpr index_t alone = 200'000;

/// What came of one sector.
struct Solved {
  std::size_t sector = 0;
  SectorSolve solve;
  std::vector<Level> levels;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(sector, solve, levels);
  }
};

/// Entries of S^2 among the states of a sector in which it is conserved.
class SpinEntries {
 public:
  SpinEntries(const Comm& comm, const OpSum& squared, const SectorOperator& op,
              const Sector& sector)
      : comm_(&comm), squared_(&squared), basis_(op.basis.get()) {
    // S^2 = S-S+ + M(M + 1): where Sz is fixed, S+ has a pair of sites less in each term.
    const auto sz = std::find_if(sector.charges.begin(), sector.charges.end(),
                                 [](const Charge& c) { return c.name == "sz"; });
    if (sz == sector.charges.end()) return;
    m_ = sz->rule.target / 2.0;
    raise_ = detail::spin_total(sector.spaces, "S+");
    Sector raised = sector;
    raised.conditions.clear();
    for (auto& charge : raised.charges) {
      if (charge.name == "sz") charge.rule.target += 2;
      if (charge.name == "nup") ++charge.rule.target;
      if (charge.name == "ndown") --charge.rule.target;
      raised.conditions.push_back(charge.text());
    }
    std::erase_if(raised.generators, [](const auto& g) { return g.flip == SpinFlip::yes; });
    for (const auto& g : raised.generators) raised.conditions.push_back(g.name);
    // Above the largest Sz there is nothing, and S+ gives zero.
    if (sector_size(raised) > 0) target_ = make_basis(comm, raised);
  }

  /// <x_i|S^2|x_j> of columns first ... first + count - 1, count x count.
  template <Scalar T>
  DenseMatrix<T> among(const DistributedVectors<T>& x, index_t first, index_t count) const {
    DenseMatrix<T> entries(count, count);
    const auto set = [&](index_t i, index_t j, std::complex<double> entry) {
      if (i == j) entry += m_ * (m_ + 1);
      if constexpr (is_complex<T>) {
        entries(i, j) = i == j ? T(entry.real()) : entry;
        entries(j, i) = std::conj(entries(i, j));
      } else {
        entries(i, j) = entries(j, i) = entry.real();
      }
    };
    if (!raise_) {
      for (index_t i = 0; i < count; ++i)
        for (index_t j = 0; j <= i; ++j)
          set(i, j, matrix_element(view(x, first + i), *squared_, view(x, first + j)));
      return entries;
    }
    std::vector<DistributedVectors<T>> raised;
    for (index_t j = 0; j < count && target_; ++j)
      raised.push_back(apply_operator<T>(*comm_, *raise_, *basis_, x.column(first + j), *target_));
    for (index_t i = 0; i < count; ++i)
      for (index_t j = 0; j <= i; ++j)
        set(i, j,
            target_ ? std::complex<double>(vec::dot<T>(
                          *comm_, std::as_const(raised[static_cast<std::size_t>(i)]).column(0),
                          std::as_const(raised[static_cast<std::size_t>(j)]).column(0)))
                    : 0.0);
    return entries;
  }

 private:
  template <Scalar T>
  StateView<T> view(const DistributedVectors<T>& x, index_t j) const {
    return StateView<T>(*comm_, *basis_, x.column(j));
  }

  const Comm* comm_;
  const OpSum* squared_;
  const Basis* basis_;
  double m_ = 0;
  std::optional<OpSum> raise_;
  std::shared_ptr<const Basis> target_;
};

/// S^2 of each level: its eigenvalues among those that agree to rounding.
void set_spins(const SpinEntries& entries, const EighResult& result, std::vector<Level>& levels) {
  const double scale =
      std::max(1e-300, std::abs(levels.front().energy) + std::abs(levels.back().energy));
  for (std::size_t first = 0; first < levels.size();) {
    std::size_t last = first + 1;
    while (last < levels.size() &&
           levels[last].energy - levels[last - 1].energy <=
               1e-9 * scale + levels[last].residual + levels[last - 1].residual)
      ++last;
    const auto count = static_cast<index_t>(last - first);
    const auto values = std::visit(
        [&](const auto& x) {
          return eigh(entries.among(x, static_cast<index_t>(first), count)).values;
        },
        result.vectors);
    for (std::size_t i = first; i < last; ++i) levels[i].s2 = std::max(0.0, values[i - first]);
    first = last;
  }
}

}  // namespace

class SectorScan::Work {
 public:
  Work(const Comm& comm, const OpSum& h, const SectorLevelsOptions& options,
       std::vector<ScannedSector> sectors)
      : comm_(comm),
        h_(h),
        options_(options),
        sectors_(std::move(sectors)),
        stage_(identified_checkpoint(), "sectors",
               [this](CheckpointWriter& writer) { write(writer); }) {
    // Projected on what local rules allow, H conserves no total spin.
    const bool ruled = std::any_of(sectors_.begin(), sectors_.end(), [](const auto& s) {
      return !forbidden_digits(s.sector.rules).empty();
    });
    if (options.spins && !ruled && conserves_total_spin(h))
      squared_ = total_spin_squared(h.spaces());
    if (stage_.saved() != nullptr) restore(*stage_.saved());
  }

  SectorLevels run() {
    if (under_way_ >= 0) solve_together(static_cast<std::size_t>(under_way_));
    std::vector<std::size_t> dealt, together;
    for (std::size_t i = 0; i < sectors_.size(); ++i)
      if (!is_done(i))
        (comm_.size() > 1 && sectors_[i].dimension <= alone ? dealt : together).push_back(i);
    deal(dealt);
    for (const auto i : together) solve_together(i);
    options_.progress = {};
    return joined();
  }

 private:
  bool is_done(std::size_t i) const {
    return std::any_of(done_.begin(), done_.end(), [&](const Solved& s) { return s.sector == i; });
  }
  void tell(std::size_t done) const {
    if (options_.progress && comm_.is_root())
      options_.progress(static_cast<index_t>(done), std::ssize(sectors_));
  }

  /// Each by one rank; where there is a checkpoint in rounds, after which it may be written.
  void deal(const std::vector<std::size_t>& sectors) {
    if (sectors.empty()) return;
    const auto ranks = static_cast<std::size_t>(comm_.size());
    const auto round = options_.solve.checkpoint == nullptr ? sectors.size() : ranks;
    const Comm single = comm_.split(comm_.rank());
    for (std::size_t begin = 0; begin < sectors.size(); begin += round) {
      stage_.step();
      const auto end = std::min(begin + round, sectors.size());
      std::vector<Solved> mine;
      comm_.agree([&] {
        for (auto j = begin + static_cast<std::size_t>(comm_.rank()); j < end; j += ranks) {
          tell(sectors[j]);
          mine.push_back(solve(single, sectors[j], nullptr));
        }
      });
      for (auto& part : all_gather_objects(comm_, mine))
        std::move(part.begin(), part.end(), std::back_inserter(done_));
    }
  }

  void solve_together(std::size_t i) {
    if (std::exchange(under_way_, -1) < 0) stage_.step();  // else its own part goes on first
    tell(i);
    under_way_ = static_cast<index_t>(i);
    done_.push_back(solve(comm_, i, options_.solve.checkpoint));
    under_way_ = -1;
  }

  Solved solve(const Comm& comm, std::size_t i, Checkpoint* checkpoint) const {
    const auto begin = std::chrono::steady_clock::now();
    const auto& scanned = sectors_[i];
    const SectorOperator op = in_sector(comm, h_, scanned.sector);
    EighOptions options = options_.solve;
    options.checkpoint = checkpoint;
    if (options.k != EighOptions::all) options.k = std::min(options.k, scanned.dimension);
    if (!squared_ && !options_.measure) options.vectors = Eigenvectors::skip;
    const EighResult result = eigh(comm, op, options);
    Solved solved;
    solved.sector = i;
    solved.solve = {.converged = result.converged,
                    .complete = std::ssize(result.eigenvalues) == scanned.dimension,
                    .certified = result.certified,
                    .scalar = result.scalar,
                    .method = result.method,
                    .form = result.form,
                    .products = result.products + result.certify_products};
    for (std::size_t j = 0; j < result.eigenvalues.size(); ++j)
      solved.levels.push_back({result.eigenvalues[j], result.residuals[j], i, std::nullopt, {}});
    if (options_.measure)
      for (std::size_t j = 0; j < solved.levels.size(); ++j)
        solved.levels[j].measured = options_.measure(comm, op, result, static_cast<index_t>(j));
    if (squared_ && !solved.levels.empty())
      set_spins(SpinEntries(comm, *squared_, op, scanned.sector), result, solved.levels);
    solved.solve.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return solved;
  }

  SectorLevels joined() const {
    SectorLevels result;
    result.solves.resize(sectors_.size());
    for (const auto& solved : done_) {
      result.solves[solved.sector] = solved.solve;
      if (!solved.solve.complete) {
        const double highest = solved.levels.empty() ? -std::numeric_limits<double>::infinity()
                                                     : solved.levels.back().energy;
        result.complete_below = std::min(highest, result.complete_below.value_or(highest));
      }
      result.levels.insert(result.levels.end(), solved.levels.begin(), solved.levels.end());
    }
    std::sort(result.levels.begin(), result.levels.end(), [](const Level& a, const Level& b) {
      return std::pair(a.energy, a.sector) < std::pair(b.energy, b.sector);
    });
    result.sectors = sectors_;
    return result;
  }

  Checkpoint* identified_checkpoint() const {
    auto* checkpoint = options_.solve.checkpoint;
    if (checkpoint == nullptr) return nullptr;
    if (options_.measure)
      throw InvalidArgument(
          "levels of several sectors: what is measured in their states is in no checkpoint; leave "
          "one of them out");
    index_t states = 0;
    std::string names;
    for (const auto& scanned : sectors_) {
      states += scanned.dimension;
      for (const auto& condition : scanned.sector.conditions) names += condition + " ";
      names += "; ";
    }
    frontend::identify(*checkpoint, states, h_.scalar(), "none", options_.solve);
    checkpoint->identify("sectors", names);
    return checkpoint;
  }
  void write(CheckpointWriter& writer) const {
    std::vector<double> solves, levels;
    for (const auto& [sector, solve, found] : done_) {
      const auto certified = solve.certified ? index_t{*solve.certified} : index_t{-1};
      for (const auto number :
           {static_cast<index_t>(sector), index_t{solve.converged}, index_t{solve.complete},
            certified, static_cast<index_t>(solve.scalar), static_cast<index_t>(solve.method),
            static_cast<index_t>(solve.form), solve.products, std::ssize(found)})
        solves.push_back(static_cast<double>(number));
      solves.push_back(solve.seconds);
      for (const auto& level : found)
        levels.insert(levels.end(), {level.energy, level.residual, level.s2.value_or(-1)});
    }
    writer.numbers("under way", std::tie(under_way_));
    writer.numbers("solves", solves);
    writer.numbers("levels", levels);
  }
  void restore(const CheckpointReader& reader) {
    reader.numbers("under way", std::tie(under_way_));
    const auto solves = reader.numbers("solves"), levels = reader.numbers("levels");
    std::size_t at = 0, level = 0;
    const auto next = [&] { return static_cast<index_t>(solves.at(at++)); };
    while (at < solves.size()) {
      Solved& solved = done_.emplace_back();
      auto& solve = solved.solve;
      solved.sector = static_cast<std::size_t>(next());
      solve.converged = next() != 0;
      solve.complete = next() != 0;
      if (const auto certified = next(); certified >= 0) solve.certified = certified != 0;
      solve.scalar = static_cast<ScalarKind>(next());
      solve.method = static_cast<Method>(next());
      solve.form = static_cast<OperatorForm>(next());
      solve.products = next();
      solved.levels.resize(static_cast<std::size_t>(next()));
      solve.seconds = solves.at(at++);
      for (auto& one : solved.levels) {
        one = {levels.at(level), levels.at(level + 1), solved.sector, std::nullopt, {}};
        if (const double s2 = levels.at(level + 2); s2 >= 0) one.s2 = s2;
        level += 3;
      }
    }
  }

  const Comm& comm_;
  const OpSum& h_;
  SectorLevelsOptions options_;
  std::vector<ScannedSector> sectors_;
  std::optional<OpSum> squared_;  ///< total S^2, where wanted and conserved
  std::vector<Solved> done_;
  index_t under_way_ = -1;  ///< the sector that all ranks are solving
  CheckpointStage stage_;
};

SectorScan::SectorScan(const Comm& comm, const OpSum& h, std::vector<ScannedSector> sectors,
                       const SectorLevelsOptions& options) {
  const auto& solve = options.solve;
  if (solve.which != Which::SA || solve.sigma || solve.position || solve.interval)
    throw InvalidArgument(
        "levels of several sectors are their lowest ones; leave out which, sigma, position and "
        "interval");
  work_ = std::make_unique<Work>(comm, h, options, std::move(sectors));
}

SectorScan::~SectorScan() = default;

SectorLevels SectorScan::run() { return work_->run(); }

std::optional<double> Level::spin() const {
  if (!s2) return std::nullopt;
  return spin_of(*s2);
}

bool SectorLevels::converged() const {
  return std::all_of(solves.begin(), solves.end(), [](const auto& s) { return s.converged; });
}

std::optional<bool> SectorLevels::certified() const {
  std::optional<bool> all;
  for (const auto& solve : solves)
    if (solve.certified) all = all.value_or(true) && *solve.certified;
  return all;
}

SectorLevels sector_levels(const Comm& comm, const OpSum& h, const Lattice& lattice,
                           const std::vector<std::string>& conditions,
                           const SectorLevelsOptions& options) {
  return sector_levels(comm, h, scan_sectors(h, lattice, conditions), options);
}

SectorLevels sector_levels(const Comm& comm, const OpSum& h, std::vector<ScannedSector> sectors,
                           const SectorLevelsOptions& options) {
  return SectorScan(comm, h, std::move(sectors), options).run();
}

OpSum total_spin_squared(const std::vector<LocalSpace>& spaces) {
  const OpSum raise = detail::spin_total(spaces, "S+"), z = detail::spin_total(spaces, "Sz");
  if (z.terms().empty()) throw InvalidArgument("total spin: no site has a spin");
  return simplify(raise.adjoint() * raise + z * z + z);  // S^2 = S-S+ + Sz^2 + Sz
}

double spin_of(double square) {
  constexpr double rounding = 5e-6;  // an eigenvector with a residual of 1e-10 is far closer
  const double spin = (std::sqrt(std::max(0.0, 1 + 4 * square)) - 1) / 2;
  const double half = std::round(2 * spin) / 2;
  return std::abs(spin - half) < rounding ? half : spin;
}

std::string spin_text(double spin) {
  const double twice = 2 * spin;
  if (twice != std::round(twice)) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.4g", spin);
    return text.data();
  }
  const long whole = std::lround(twice);
  return whole % 2 == 0 ? std::to_string(whole / 2) : std::to_string(whole) + "/2";
}

}  // namespace kronsolve
