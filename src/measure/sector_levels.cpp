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
#include <kronsolve/solvers/dense.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

#include "measure/total_spin.hpp"

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

class Scan {
 public:
  Scan(const OpSum& h, const SectorLevelsOptions& options, std::vector<ScannedSector> sectors)
      : h_(h), options_(options), sectors_(std::move(sectors)) {
    if (options.spins && conserves_total_spin(h)) squared_ = total_spin_squared(h.spaces());
  }

  SectorLevels run(const Comm& comm) {
    const auto small = static_cast<std::size_t>(
        std::count_if(sectors_.begin(), sectors_.end(),
                      [](const ScannedSector& s) { return s.dimension <= alone; }));
    std::vector<Solved> all = comm.size() == 1 ? std::vector<Solved>{} : deal(comm, small);
    for (std::size_t i = comm.size() == 1 ? 0 : small; i < sectors_.size(); ++i) {
      tell(comm, i);
      all.push_back(solve(comm, i));
    }
    return joined(std::move(all));
  }

 private:
  void tell(const Comm& comm, std::size_t done) const {
    if (options_.progress && comm.is_root())
      options_.progress(static_cast<index_t>(done), std::ssize(sectors_));
  }

  /// The first `count` sectors, each by one rank; what came, on every rank.
  std::vector<Solved> deal(const Comm& comm, std::size_t count) const {
    std::vector<Solved> mine;
    const auto ranks = static_cast<std::size_t>(comm.size());
    const Comm single = comm.split(comm.rank());
    comm.agree([&] {
      for (auto i = static_cast<std::size_t>(comm.rank()); i < count; i += ranks) {
        tell(comm, i);
        mine.push_back(solve(single, i));
      }
    });
    std::vector<Solved> all;
    for (auto& part : all_gather_objects(comm, mine))
      std::move(part.begin(), part.end(), std::back_inserter(all));
    return all;
  }

  Solved solve(const Comm& comm, std::size_t i) const {
    const auto begin = std::chrono::steady_clock::now();
    const auto& scanned = sectors_[i];
    const SectorOperator op = in_sector(comm, h_, scanned.sector);
    EighOptions options = options_.solve;
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

  SectorLevels joined(std::vector<Solved> all) {
    SectorLevels result;
    result.solves.resize(sectors_.size());
    for (auto& solved : all) {
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
    result.sectors = std::move(sectors_);
    return result;
  }

  const OpSum& h_;
  const SectorLevelsOptions& options_;
  std::vector<ScannedSector> sectors_;
  std::optional<OpSum> squared_;  ///< total S^2, where wanted and conserved
};

}  // namespace

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
  const auto& solve = options.solve;
  if (solve.which != Which::SA || solve.sigma || solve.position || solve.interval)
    throw InvalidArgument(
        "levels of several sectors are their lowest ones; leave out which, sigma, position and "
        "interval");
  return Scan(h, options, std::move(sectors)).run(comm);
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
