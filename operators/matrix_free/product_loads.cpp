#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>
#include <set>
#include <vector>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/product_loads.hpp>
#include <kronsolve/operators/rows.hpp>

#include "operators/assembled/sector_rows.hpp"
#include "operators/matrix_free/block_plan.hpp"
#include "operators/matrix_free/orbit_product.hpp"
#include "operators/rows/orbit_rows.hpp"

namespace kronsolve {

namespace {

void set_work(ProductLoads& loads, const std::vector<double>& of_ranks) {
  const double all = std::accumulate(of_ranks.begin(), of_ranks.end(), 0.0);
  if (all > 0)
    loads.work_imbalance = *std::max_element(of_ranks.begin(), of_ranks.end()) * loads.ranks / all;
}

/// One rank more.
void add_rank(ProductLoads& loads, const detail::BlockPlan& plan) {
  std::set<int> partners;
  for (const auto& message : plan.messages) partners.insert(message.from);
  const auto messages = static_cast<double>(plan.messages.size());
  const auto bytes = static_cast<double>(plan.facts.received_bytes);
  loads.received_bytes += bytes;
  loads.received_rank_bytes = std::max(loads.received_rank_bytes, bytes);
  loads.messages += messages;
  loads.messages_rank = std::max(loads.messages_rank, messages);
  loads.partners = std::max(loads.partners, static_cast<int>(partners.size()));
  loads.memory_rank_bytes = std::max(loads.memory_rank_bytes, plan.facts.memory_bytes);
}

void count_blocks(ProductLoads& loads, const SectorOperator& h, ScalarKind scalar,
                  const MatrixFreeOptions& options) {
  std::vector<double> work(static_cast<std::size_t>(loads.ranks));
  std::exception_ptr failure;
#pragma omp parallel for num_threads(num_threads()) schedule(dynamic, 1)
  for (int rank = 0; rank < loads.ranks; ++rank) try {
      std::vector<int> nobody(static_cast<std::size_t>(loads.ranks), -1);
      nobody[static_cast<std::size_t>(rank)] = 0;
      const detail::BlockPlan plan(h, scalar, rank, std::move(nobody), options);
#pragma omp critical(kronsolve_product_loads)
      add_rank(loads, plan);
      work[static_cast<std::size_t>(rank)] = plan.work.operations;
    } catch (...) {
#pragma omp critical(kronsolve_product_loads)
      failure = std::current_exception();
    }
  if (failure) std::rethrow_exception(failure);
  set_work(loads, work);
}

/// Orbits drawn at random, dealt to ranks as the rows of all orbits would be.
class OrbitSample {
 public:
  OrbitSample(const SectorOperator& h, int ranks)
      : group_(*h.basis->symmetries()),
        action_(group_),
        op_(h.op),
        steps_(action_.steps(op_.move_ends())) {
    const ChargeBasis configurations(h.basis->spaces(), h.basis->charges(), h.basis->rules());
    constexpr std::uint64_t draws = 1 << 16;
    const CounterRandom random(1);
    for (std::uint64_t i = 0; i < draws; ++i) {
      const auto row = static_cast<index_t>(random.uniform(i) * double(configurations.size()));
      const auto found = action_.find(static_cast<name_t>(configurations.state(row)));
      // An orbit is met as often as it has configurations, and counts that much less.
      if (!found.vanishes) orbits_.emplace_back(found.representative, found.stabiliser);
    }
    std::sort(orbits_.begin(), orbits_.end());
    for (const auto& [representative, weight] : orbits_) all_ += weight;
    double passed = 0;
    for (const auto& [representative, weight] : orbits_) {
      while (std::ssize(borders_) + 1 < ranks &&
             passed >= all_ * double(borders_.size() + 1) / ranks)
        borders_.push_back(representative);
      passed += weight;
    }
  }

  /// f(rank of a row, ranks of its entries off the diagonal, share of all rows) for each.
  template <class F>
  void for_each_row(F&& f) const {
    detail::OrbitRows<std::complex<double>> rows(op_, group_, action_, steps_);
    std::vector<name_t> columns(rows.room());
    std::vector<std::complex<double>> values(rows.room());
    std::vector<int> ranks;
    for (const auto& [representative, weight] : orbits_) {
      const auto row = rows(representative, columns.data(), values.data());
      ranks.clear();
      for (std::size_t e = 0; e < row.entries; ++e)
        if (action_.carries(columns[e])) ranks.push_back(rank_of(columns[e]));
      f(rank_of(representative), std::as_const(ranks), weight / all_);
    }
  }

 private:
  int rank_of(name_t representative) const {
    return static_cast<int>(std::upper_bound(borders_.begin(), borders_.end(), representative) -
                            borders_.begin());
  }

  const SymmetryGroup& group_;
  detail::GroupAction action_;
  detail::CompiledOperator<std::complex<double>> op_;
  detail::GroupAction::Steps steps_;
  std::vector<std::pair<name_t, double>> orbits_;  ///< representatives and weights
  double all_ = 0;
  std::vector<name_t> borders_;  ///< first representatives of the ranks but the first
};

/// A rank that stores its rows needs a row of another once if that has an entry in its columns,
/// which is as well an entry of that other row.
void expect_orbits(ProductLoads& loads, const SectorOperator& h, ScalarKind scalar, bool stored) {
  loads.counted = false;
  const auto ranks = static_cast<std::size_t>(loads.ranks);
  std::vector<double> received(ranks), work(ranks);
  std::vector<std::set<int>> partners(ranks);
  const double value = visit_scalar(scalar, []<Scalar T>() { return double(sizeof(T)); });
  const double asked = stored ? value : sizeof(name_t) + value;
  OrbitSample(h, loads.ranks).for_each_row([&](int own, std::vector<int> others, double share) {
    const double rows = share * double(loads.dimension);
    work[std::size_t(own)] += rows * double(others.size());
    std::sort(others.begin(), others.end());
    if (stored) others.erase(std::unique(others.begin(), others.end()), others.end());
    for (const int rank : others)
      if (rank != own) {
        received[std::size_t(rank)] += rows * asked;
        partners[std::size_t(rank)].insert(own);
      }
  });
  // Rows that are computed anew: questions and answers of each round, from every other rank.
  const double rounds = std::ceil(double(loads.largest_rows) / detail::orbit_round_rows);
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const double messages = double(partners[rank].size()) * (stored ? 1 : 2 * rounds);
    loads.messages += messages;
    loads.messages_rank = std::max(loads.messages_rank, messages);
    loads.partners = std::max(loads.partners, static_cast<int>(partners[rank].size()));
  }
  loads.received_bytes = std::accumulate(received.begin(), received.end(), 0.0);
  loads.received_rank_bytes = *std::max_element(received.begin(), received.end());
  set_work(loads, work);
  if (stored)
    loads.memory_rank_bytes = visit_scalar(scalar, [&]<Scalar T>() {
      return static_cast<index_t>(held_rows_bytes<T>(h, double(loads.largest_rows)));
    });
}

}  // namespace

ProductLoads product_loads(const SectorOperator& h, ScalarKind scalar, int ranks, bool stored,
                           const MatrixFreeOptions& options) {
  if (ranks < 1)
    throw InvalidArgument(detail::concat("product_loads: ranks must be at least 1, got ", ranks));
  ProductLoads loads;
  loads.ranks = ranks;
  loads.dimension = h.basis->size();
  loads.largest_rows = h.basis->partition(ranks).max_local_rows();
  if (detail::has_listed_orbits(*h.basis) || !h.basis->is_listed()) {
    detail::require_orbit_product(h, scalar);
    expect_orbits(loads, h, scalar, stored);
  } else {
    count_blocks(loads, h, scalar, options);
  }
  return loads;
}

}  // namespace kronsolve
