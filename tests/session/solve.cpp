// The session solves: the same energies wherever a solve runs.

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numbers>

#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/serialize.hpp>

#include "support/rows_from.hpp"
#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using test::places;
using test::session;

constexpr double energy_tolerance = 1e-9;  // ten times what the solvers are asked for

OpSum chain(int sites) {
  OpSum h(sites);
  for (int i = 0; i < sites; ++i)
    for (const char* op : {"Sx", "Sy", "Sz"}) h.add(1.0, {{op, i}, {op, (i + 1) % sites}});
  return h;
}

SectorOperator sz0_chain(int sites) {
  OpSum h = chain(sites);
  auto basis =
      std::make_shared<const ChargeBasis>(h.spaces(), std::vector{Charge::sz(h.spaces(), 0)});
  return {std::move(h), std::move(basis)};
}

/// Rows of the path graph's Laplacian, whose eigenvalues are 4 sin^2(pi j / (2 n)).
struct Laplacian {
  index_t n = 1;
  CsrRows<double> operator()(RowRange range) const {
    return test::rows_from<double>(range, n, [this](index_t i, const auto& add) {
      if (i > 0) add(i - 1, -1);
      add(i, (i > 0) + (i + 1 < n));
      if (i + 1 < n) add(i + 1, -1);
    });
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n);
  }
};

TEST(SessionEigh, finds_the_known_energy_wherever_it_runs) {
  for (const int workers : places()) {
    const auto solved = session().eigh(sz0_chain(12), {.k = 2}, {.workers = workers});

    EXPECT_TRUE(solved.result.converged);
    EXPECT_NEAR(solved.result.eigenvalues.at(0), -5.3873909174452059, energy_tolerance);
    EXPECT_EQ(solved.result.dimension, 924);
    EXPECT_LE(solved.result.residuals.at(1), 1e-8);
    if (workers > 0 && session().mode() == Mode::dynamic) {
      EXPECT_EQ(solved.ranks, workers);
    }
    EXPECT_GE(solved.peak_rss_bytes, solved.peak_rss_rank_bytes);
    EXPECT_GT(solved.peak_rss_rank_bytes, 0);
  }
}

TEST(SessionEigh, gathers_vectors_that_are_eigenvectors) {
  for (const int workers : places()) {
    const auto h = sz0_chain(10);
    const auto solved = session().eigh(h, {.k = 2}, {.workers = workers, .vectors = Gather::yes});
    const auto& vectors = solved.result.vectors_as<double>();

    ASSERT_EQ(vectors.count(), 2);
    ASSERT_EQ(vectors.partition().ranks(), 1);
    const Comm alone;
    const StateView<double> ground(alone, *h.basis, vectors.column(0));
    EXPECT_NEAR(expectation(ground, h.op).real(), -4.5154463544920429, energy_tolerance);
    EXPECT_NEAR(variance(ground, h.op), 0, 1e-10);
  }
}

TEST(SessionEigh, takes_the_full_space_and_rows_of_the_user) {
  constexpr index_t n = 200;
  for (const int workers : places()) {
    const auto full = session().eigh(chain(8), {}, {.workers = workers});
    const auto rows = session().eigh(PortableLazy<double>(n, n, Laplacian{n}),
                                     {.k = 3, .which = Which::LA}, {.workers = workers});

    EXPECT_NEAR(full.result.eigenvalues.at(0), -3.6510934089371753, energy_tolerance);
    for (index_t j = 0; j < 3; ++j) {
      const double s = std::sin(std::numbers::pi * double(n - 3 + j) / (2.0 * n));
      EXPECT_NEAR(rows.result.eigenvalues.at(static_cast<std::size_t>(j)), 4 * s * s,
                  energy_tolerance);
    }
  }
}

TEST(SessionEigh, takes_what_workers_there_are) {
  const auto solved = session().eigh(sz0_chain(10), {}, {.workers = 4});

  EXPECT_NEAR(solved.result.eigenvalues.at(0), -4.5154463544920429, energy_tolerance);
  const bool processes = session().mode() == Mode::dynamic;
  const bool job = session().mode() == Mode::futures || session().mode() == Mode::syncro;
  EXPECT_EQ(solved.ranks, processes ? 4 : job ? session().default_workers() : 1);
}

TEST(SessionEigh, tells_its_progress_wherever_it_runs) {
  for (const int workers : places()) {
    std::mutex mutex;
    std::vector<Progress> seen;
    const auto solved = session().eigh(sz0_chain(14),
                                       {.k = 2,
                                        .method = Method::lanczos,
                                        .progress =
                                            [&](const Progress& p) {
                                              const std::lock_guard lock(mutex);
                                              seen.push_back(p);
                                            }},
                                       {.workers = workers});

    if (!session().is_root()) continue;  // rank 0 alone is told
    ASSERT_FALSE(seen.empty()) << workers << " workers";
    EXPECT_EQ(seen.back().wanted, 2);
    EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [&](const Progress& p) {
      return std::abs(p.best_value - solved.result.eigenvalues.at(0)) < 1e-3;
    }));
    EXPECT_LE(seen.back().products, solved.result.products);
  }
}

TEST(SessionEigh, errors_come_back_as_they_are) {
  OpSum bad(4);
  bad.add({0, 1}, {{"Sz", 0}});
  for (const int workers : places()) {
    EXPECT_ERROR(session().eigh(bad, {}, {.workers = workers}), InvalidArgument, "Sz_0");
    EXPECT_ERROR(session().eigh(chain(4), {.k = 100}, {.workers = workers}), InvalidArgument,
                 "k must be");
    EXPECT_ERROR(session().eigh(chain(4), {.start = std::vector<double>(3)}, {.workers = workers}),
                 DimensionError, "start");
  }
  EXPECT_ERROR(session().eigh(chain(4), {}, {.workers = -1}), InvalidArgument, "workers");
}

TEST(SessionEigh, two_solves_in_flight_do_not_interleave) {
  Pool& pool = session().pool(3);
  const int ranks = std::min(2, pool.num_workers());
  std::vector<Future<double>> energies;
  for (int i = 0; i < 4; ++i)
    energies.push_back(pool.submit_spmd(
        {.label = "solve"}, ranks,
        [](const Comm& comm, const SectorOperator& h) {
          const auto r = eigh(comm, h);
          return expectation(StateView<double>(comm, *h.basis, r.vectors_as<double>().column(0)),
                             h.op)
              .real();
        },
        sz0_chain(8 + 2 * (i % 2))));

  EXPECT_NEAR(energies[0].get(), -3.6510934089371753, energy_tolerance);
  EXPECT_NEAR(energies[1].get(), -4.5154463544920429, energy_tolerance);
  EXPECT_NEAR(energies[2].get(), -3.6510934089371753, energy_tolerance);
  EXPECT_NEAR(energies[3].get(), -4.5154463544920429, energy_tolerance);
}

}  // namespace
}  // namespace kronsolve
