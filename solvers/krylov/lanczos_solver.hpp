#pragma once
// The Lanczos process behind `lanczos`: pairs one by one, or several levels of one recurrence.

#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/lanczos.hpp>
#include <kronsolve/solvers/tolerance.hpp>

#include "solvers/dense/tridiagonal.hpp"

namespace kronsolve::krylov {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The projected matrix, grown step by step.
struct Tridiagonal {
  std::vector<double> diagonal;
  std::vector<double> below;  ///< below[j] couples j and j+1; the last couples to the next vector
  std::size_t size() const { return diagonal.size(); }
  /// Half the width of the spectrum, from above (Gershgorin).
  double half_width() const {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (std::size_t j = 0; j < size(); ++j) {
      const double radius = (j > 0 ? below[j - 1] : 0) + (j + 1 < size() ? below[j] : 0);
      low = std::min(low, diagonal[j] - radius);
      high = std::max(high, diagonal[j] + radius);
    }
    return (high - low) / 2;
  }
};

/// The value wanted of the projected matrix and how good it is.
struct Estimate {
  dense::TridiagonalPair pair;
  double bound = std::numeric_limits<double>::infinity();
};

/// One run of the recurrence for one pair.
///
/// Vectors are not normalised (p_0 = start, p_{j+1} = A p_j - a_j p_j - b_j^2 p_{j-1}): that saves
/// a pass over memory in every step. When norms drift far from 1 both vectors are scaled by a power
/// of two, which changes no digit.
template <Scalar T>
class LanczosSolver {
 public:
  LanczosSolver(const LinearMap<T>& map, const LanczosOptions& options,
                const DistributedVectors<T>& against)
      : map_(map),
        options_(options),
        comm_(map.comm()),
        range_(map.row_range()),
        end_(options.which == Which::LA ? dense::SpectrumEnd::highest : dense::SpectrumEnd::lowest),
        max_steps_(options.max_iterations > 0 ? options.max_iterations : default_max_steps),
        forms_vectors_(options.vectors == Eigenvectors::compute || options.k > 1),
        against_(against),
        scale_(options.scale) {
    make_room();
  }

  Pairs<T> run();

  /// What one recurrence shows before options.stop ends it.
  struct Search {
    Pairs<T> found;         ///< levels that came up, each once
    double next_value = 0;  ///< the Ritz value after them
    bool converged = false;
  };
  Search search();

 private:
  static constexpr index_t default_max_steps = 3000;

  /// Longest recurrence before a restart, at first: without reorthogonalisation more steps bring
  /// little, unless the wanted end of the spectrum is crowded.
  static constexpr index_t first_cycle = 600;
  static constexpr double largest_norm_squared = 0x1p600;

  struct Pair {
    double value = 0, residual = 0;
    bool converged = false;
    std::string limit = {};  ///< why not, if it is rounding
  };

  /// A level of one recurrence: the first steps that give it, before it comes up again.
  struct Level {
    double value = 0;
    std::size_t place = 0;       ///< from the end, in the projected matrix of so many steps
    std::vector<double> vector;  ///< of that matrix
  };

  /// Where a run is: what a checkpoint keeps besides vectors and the projected matrix.
  enum class Pass { none, first, second, levels, forming };
  struct Place {
    Pass pass = Pass::none;  ///< of the recurrence, inside a cycle
    index_t found = 0;       ///< pairs before the one that is sought
    index_t first_step = 0;  ///< of this pair
    index_t restart = 0;
    Pair best = {};
    double bound_over_wanted = std::numeric_limits<double>::infinity();
    index_t second_step = 0;  ///< of the second pass
    double second_norm2 = 0;  ///< of current_, there
  };

  auto numbers_of_place(bool& scaled, double& scale, index_t& products, index_t& kept);
  void write(CheckpointWriter& writer);
  void restore(const CheckpointReader& reader);
  void restore_levels(const CheckpointReader& reader);
  void begin_pair();
  Estimate estimate(bool more) const;

  Pair solve_pair(index_t found);
  std::vector<Pair> solve_levels();
  void find_levels(Search* search = nullptr);
  struct Candidate {
    Estimate estimate;
    std::size_t place = 0;
  };
  std::optional<Candidate> next_level(double coupling) const;
  void form_levels();
  void form_levels_again();
  std::vector<Pair> check_levels(index_t count);
  void begin_cycle();
  void keep_while_they_fit();
  /// All ranks must decide alike: the largest one decides.
  bool may_keep(index_t vectors) const {
    return vectors * map_.row_partition().max_local_rows() * static_cast<index_t>(sizeof(T)) <=
           options_.keep_bytes;
  }
  Pair solve_value(index_t found);
  void make_room();
  double wanted_bound(const Estimate& e) const;
  Pair measure(index_t found);
  void judge(std::vector<Pair>& pairs, index_t first);
  Estimate cycle(index_t found, index_t steps_left);
  double deflate(std::span<T> x);
  void deflate_when_due(double& norm);
  void repeat_step(std::size_t j, double weight, std::span<T> sum);
  index_t deflated() const { return against_.count() + known_; }
  void start_randomly();
  void mix_with_guess();
  bool step(Tridiagonal& t);
  double rescale(double norm2);
  void form_vector(const std::vector<double>& s, index_t found);
  void add_kept(const std::vector<double>& s, std::span<T> x);
  void add_second_pass(const std::vector<double>& s, std::span<T> x);
  double norm2_after(std::size_t j, double norm2) const;
  Pair check(index_t found);
  bool due_for_check(std::size_t m, double bound_over_wanted) const;
  void keep_current();
  bool stopped(const Estimate& e, bool converged) const;
  void report(const Estimate& e, index_t found);
  void report_again(std::size_t step, std::size_t steps);
  void finish(Pairs<T>& result);

  const LinearMap<T>& map_;
  const LanczosOptions& options_;
  const Comm& comm_;
  RowRange range_;
  dense::SpectrumEnd end_;
  index_t max_steps_;
  bool forms_vectors_;
  Buffer<T> previous_, current_;
  const DistributedVectors<T>& against_;  // what every vector is kept orthogonal to, as to:
  DistributedVectors<T> found_;  // eigenvectors so far; the column after them is being formed
  index_t known_ = 0;            // columns of found_ that count for it
  /// When vectors are made orthogonal: two that follow each other, then none for `pause` steps.
  struct Deflation {
    std::vector<bool> done;  // in step j of this cycle
    std::size_t next = 0, pause = 0;
    double of_one_step = 0;  // what comes back, as a part of the vector
  };
  Deflation deflation_;
  std::vector<Buffer<T>> kept_;  // Lanczos vectors of this cycle, if they fit
  std::vector<double> kept_norm2_;
  bool keeping_ = false;
  Tridiagonal t_;
  double norm2_ = 0;  // of current_
  double start_norm2_ = 0;
  std::vector<double> scalings_;  // factor applied to both vectors after step j
  bool start_is_column_ = false;  // the cycle began at the found vector, not at a random one
  /// Of the level that is sought: as given, or as the vector of the last cycle told.
  std::optional<double> scale_;
  std::optional<Tolerance<T>> tolerance_;
  index_t longest_cycle_ = first_cycle;
  index_t steps_ = 0, products_before_ = 0;
  Place place_;
  std::vector<Pair> pairs_;    // so far
  std::vector<Level> levels_;  // of the recurrence for several, so far
  bool tried_levels_ = false;  // that recurrence has given all it can
  CheckpointStage* stage_ = nullptr;
  std::uint32_t stream_ = 0;
  Clock::time_point began_ = Clock::now();
  double cycle_began_ = 0;                          // seconds
  std::vector<std::pair<double, double>> history_;  // (seconds, bound) of this pair
  Progress told_;                                   // last
  /// Where the recurrence that runs again was first told of.
  std::optional<std::pair<std::size_t, double>> again_;  // (step, seconds)
};

}  // namespace kronsolve::krylov
