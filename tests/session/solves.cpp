// Every session solve gives the same wherever it runs; vectors stay where they were found and are
// measured there.

#include <cmath>
#include <numbers>

#include <signal.h>
#include <unistd.h>

#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "support/rows_from.hpp"
#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::session;
using test::worker_counts;

constexpr double tolerance = 1e-8;  // a hundred times what the solvers are asked for

Model ring(int sites) { return make_model("heisenberg", {.sites = sites, .cyclic = Cyclic::all}); }

PortableOperator in(const Model& model, const std::vector<std::string>& conditions) {
  return {model.op, parse_sector(model.op.spaces(), model.lattice, conditions)};
}

OpSum sz_at(int sites, int site) {
  OpSum op(sites);
  op.add(1, {{"Sz", site}});
  return op;
}

/// Differences of neighbours, (n-1) x n: singular values 2 sin(pi j / (2n)), j = 1 ... n-1.
struct Differences {
  index_t n = 2;
  CsrRows<double> operator()(RowRange range) const {
    return test::rows_from<double>(range, n, [](index_t i, const auto& add) {
      add(i, -1);
      add(i + 1, 1);
    });
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n);
  }
};

/// A diagonal with entries 1, 2, ..., n times a phase that makes it complex.
struct Phases {
  index_t n = 1;
  CsrRows<Complex> operator()(RowRange range) const {
    return test::rows_from<Complex>(
        range, n, [](index_t i, const auto& add) { add(i, std::polar(double(i + 1), double(i))); });
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n);
  }
};

TEST(SessionSectors, symmetries_are_set_up_where_the_solve_runs) {
  const Model model = ring(16);
  for (const int workers : worker_counts()) {
    const auto ground = session().eigh(
        in(model, {"sz=0", "momentum=0", "reflection=1", "spinflip=1"}), {}, {.workers = workers});
    const auto moving =
        session().eigh(in(ring(12), {"sz=0", "momentum=2"}), {.k = 2}, {.workers = workers});

    EXPECT_NEAR(ground.result.eigenvalues.at(0), -7.1422963606167799, tolerance);
    EXPECT_EQ(ground.result.dimension, 257);
    EXPECT_EQ(moving.result.scalar, ScalarKind::complex);
    const Comm serial;
    const auto expected = eigh(
        serial,
        in_sector(serial, ring(12).op,
                  parse_sector(ring(12).op.spaces(), ring(12).lattice, {"sz=0", "momentum=2"})),
        {.k = 2});
    for (std::size_t j = 0; j < 2; ++j)
      EXPECT_NEAR(moving.result.eigenvalues.at(j), expected.eigenvalues.at(j), tolerance);
  }
}

TEST(SessionSectors, are_arguments_of_gangs_and_spread_over_them) {
  const Comm serial;
  const Model model = ring(12);
  const auto h = in_sector(serial, model.op,
                           parse_sector(model.op.spaces(), model.lattice, {"sz=0", "momentum=0"}));
  Pool& pool = session().pool(3);
  const int ranks = std::min(2, pool.num_workers());

  const auto [energy, rows, size] =
      pool.submit_spmd(
              ranks,
              [](const Comm& comm, const SectorOperator& op) {
                const auto& basis = *op.basis->orbits();
                return std::tuple(eigh(comm, op).eigenvalues.at(0),
                                  comm.all_reduce(basis.row_range().size()), basis.size());
              },
              h)
          .get();

  EXPECT_NEAR(energy, -5.3873909174452059, tolerance);
  EXPECT_EQ(rows, size);  // each rank lists its own part
  EXPECT_EQ(pool.submit([](const std::shared_ptr<const Basis>& basis) { return basis->sector(); },
                        h.basis)
                .get(),
            h.basis->sector());
}

TEST(SessionSvds, finds_known_values_and_vectors) {
  constexpr index_t n = 120;
  const PortableLazy<double> a(n - 1, n, Differences{n});
  for (const int workers : worker_counts()) {
    const auto solved = session().svds(a, {.k = 3}, {.workers = workers, .vectors = Gather::yes});
    const auto complex =
        session().svds(PortableLazy<Complex>(40, 40, Phases{40}), {.k = 2}, {.workers = workers});

    ASSERT_TRUE(solved.result.converged) << solved.result.reason;
    ASSERT_EQ(solved.result.left.count(), 3);
    for (index_t j = 0; j < 3; ++j) {
      const double s = 2 * std::sin(std::numbers::pi * double(n - 1 - j) / (2.0 * n));
      EXPECT_NEAR(solved.result.singular_values.at(std::size_t(j)), s, tolerance);
      const auto u = solved.result.left.column(j);
      const auto v = solved.result.right.column(j);
      ASSERT_EQ(u.size(), std::size_t(n - 1));
      ASSERT_EQ(v.size(), std::size_t(n));
      for (std::size_t i = 0; i + 1 < v.size(); ++i) EXPECT_NEAR(v[i + 1] - v[i], s * u[i], 1e-7);
    }
    EXPECT_NEAR(complex.result.singular_values.at(0), 40, tolerance);
    EXPECT_NEAR(complex.result.singular_values.at(1), 39, tolerance);
  }
}

TEST(SessionExpm, gives_what_one_process_gives) {
  const Comm serial;
  const Model model = ring(8);
  const auto neel = parse_state("neel", model.op.spaces());
  const FullBasis basis(model.op.spaces());
  const auto map = make_operator_map<double>(serial, on_full_space(model.op));
  const auto start = make_state<Complex>(serial, basis, neel);
  const auto expected = expm_multiply(*map, Complex(0, -0.7), start.span());
  const std::vector<double> whole = [&] {
    const auto b = make_state<double>(serial, basis, neel);
    return std::vector<double>(b.span().begin(), b.span().end());
  }();
  for (const int workers : worker_counts()) {
    const SessionSolveOptions where = {.workers = workers, .vectors = Gather::yes};
    const auto described = session().expm_multiply(model.op, {0, -0.7}, neel, {}, where);
    const auto given = session().expm_multiply(model.op, {0, -0.7}, whole, {}, where);
    const auto decayed = session().expm_multiply(model.op, -0.3, whole, {}, where);

    for (const auto* got : {&described, &given}) {
      ASSERT_TRUE(got->result.converged);
      const auto& w = std::get<DistributedVectors<Complex>>(got->result.vectors);
      for (std::size_t i = 0; i < 256; ++i)
        EXPECT_NEAR(std::abs(w.column(0)[i] - expected.vectors.column(0)[i]), 0, tolerance);
    }
    const auto real = expm_multiply(*map, -0.3, std::span<const double>(whole));
    const auto& w = std::get<DistributedVectors<double>>(decayed.result.vectors);
    for (std::size_t i = 0; i < 256; ++i)
      EXPECT_NEAR(w.column(0)[i], real.vectors.column(0)[i], tolerance);
    EXPECT_ERROR(session().expm_multiply(model.op, 1, std::vector<double>(3), {}, where),
                 DimensionError, "start");
  }
}

TEST(SessionEvolve, moves_and_measures_the_same_everywhere) {
  const Comm serial;
  const Model model = ring(10);
  const auto sector = in(model, {"sz=0"});
  const auto neel = parse_state("neel", model.op.spaces());
  const std::vector<double> times = {0, 0.5, 1.5};
  const std::vector<OpSum> observe = {sz_at(10, 0), model.op};
  // On one process, with the solver itself.
  const auto h =
      in_sector(serial, model.op, parse_sector(model.op.spaces(), model.lattice, {"sz=0"}));
  DistributedVectors<double> psi(h.basis->partition(1), 0, 1);
  const auto start = make_state<double>(serial, *h.basis, neel);
  std::copy(start.span().begin(), start.span().end(), psi.column(0).begin());
  std::vector<double> magnetisation;
  (void)evolve(
      serial, h, EvolutionState(std::move(psi)), times, {}, [&](const EvolutionPoint& point) {
        const auto& v = std::get<DistributedVectors<Complex>>(point.state);
        magnetisation.push_back(
            expectation(StateView<Complex>(serial, *h.basis, v.column(0)), observe[0]).real());
        return Continue::yes;
      });

  for (const int workers : worker_counts()) {
    const auto real = session().evolve(sector, neel, times, {}, {.workers = workers}, observe);
    const auto cooled = session().evolve(sector, parse_state("random", model.op.spaces(), 3),
                                         {0.0, 30.0}, {.axis = TimeAxis::imaginary},
                                         {.workers = workers, .vectors = Gather::yes}, observe);

    ASSERT_TRUE(real.result.converged) << real.result.reason;
    ASSERT_EQ(real.result.expectations.size(), 3u);
    for (std::size_t t = 0; t < 3; ++t) {
      EXPECT_NEAR(real.result.expectations[t].at(0).real(), magnetisation.at(t), tolerance);
      EXPECT_NEAR(real.result.expectations[t].at(1).real(), -2.5, tolerance);
      EXPECT_NEAR(real.result.energies.at(t), -2.5, tolerance);
    }
    // Only the ground state is left.
    EXPECT_NEAR(cooled.result.energies.at(1), -4.5154463544920429, 1e-7);
    EXPECT_NEAR(cooled.result.expectations.at(1).at(1).real(), -4.5154463544920429, 1e-7);
    EXPECT_EQ(std::get<DistributedVectors<double>>(cooled.result.state).column(0).size(), 252u);
  }
}

/// Objects that this pool's workers keep, all together.
std::size_t kept_objects(Pool& pool) {
  std::size_t sum = 0;
  for (const std::size_t n :
       pool.broadcast([] { return detail::require_worker_context().by_id.size(); }))
    sum += n;
  return sum;
}

TEST(KeptVector, is_measured_where_it_lives) {
  const Comm serial;
  const Model model = ring(12);
  for (const auto& conditions : std::vector<std::vector<std::string>>{
           {}, {"sz=0"}, {"sz=0", "momentum=0"}, {"sz=0", "momentum=3"}}) {
    const auto sector = parse_sector(model.op.spaces(), model.lattice, conditions);
    const auto local = in_sector(serial, model.op, sector);
    const auto expected = eigh(serial, local, {.k = 2});
    for (const int workers : worker_counts()) {
      const auto solved = session().eigh({model.op, sector}, {.k = 2},
                                         {.workers = workers, .vectors = Gather::keep});
      ASSERT_EQ(solved.kept.size(), 2u);
      const KeptVector& ground = solved.kept[0];
      const KeptVector& next = solved.kept[1];

      EXPECT_EQ(ground.size(), local.basis->size());
      EXPECT_EQ(ground.ranks(), solved.ranks);
      EXPECT_NEAR(ground.norm(), 1, 1e-12);
      EXPECT_NEAR(std::abs(ground.overlap(next)), 0, tolerance);
      EXPECT_NEAR(ground.expectation(model.op).real(), expected.eigenvalues.at(0), tolerance);
      EXPECT_NEAR(next.expectation(model.op).real(), expected.eigenvalues.at(1), tolerance);
      EXPECT_NEAR(ground.variance(model.op), 0, 1e-10);
      // The same as of the whole vector, measured here. (The level may be degenerate: what is
      // compared is this vector.)
      std::visit(
          [&]<class T>(const std::vector<T>& whole) {
            ASSERT_EQ(static_cast<index_t>(whole.size()), local.basis->size());
            const StateView<T> psi(serial, *local.basis, std::span<const T>(whole));
            EXPECT_NEAR(ground.entanglement_entropy({0, 1, 2}),
                        entanglement_entropy(psi, {0, 1, 2}), tolerance);
            const auto profile = ground.site_profile("Sz"), here = site_profile(psi, "Sz");
            const auto matrix = ground.correlation_matrix("S+", "S-"),
                       same = correlation_matrix(psi, "S+", "S-");
            const auto schmidt = ground.schmidt_values({0, 1}),
                       values = schmidt_values(psi, {0, 1});
            ASSERT_EQ(schmidt.size(), values.size());
            for (std::size_t i = 0; i < values.size(); ++i)
              EXPECT_NEAR(schmidt[i], values[i], tolerance);
            for (std::size_t i = 0; i < 12; ++i)
              EXPECT_NEAR(std::abs(profile.at(i) - here.at(i)), 0, tolerance);
            for (std::size_t i = 0; i < 144; ++i)
              EXPECT_NEAR(std::abs(matrix.at(i) - same.at(i)), 0, tolerance);
          },
          ground.gather());
      EXPECT_NEAR(ground.expectations({model.op, sz_at(12, 0)}).at(1).real(), 0, 1);
      EXPECT_EQ(ground.measure([](const auto& psi, int x) { return x + psi.basis().sites(); }, 1),
                13);
    }
  }
}

TEST(KeptVector, is_where_the_next_solve_begins) {
  const Model model = ring(10);
  const auto sector = in(model, {"sz=0"});
  for (const int workers : worker_counts()) {
    const SessionSolveOptions keep = {.workers = workers, .vectors = Gather::keep};
    const auto first =
        session().evolve(sector, parse_state("neel", model.op.spaces()), {0.8}, {}, keep);
    const auto second = session().evolve(sector, first.kept.at(0), {0.7}, {}, keep);
    const auto back =
        session().expm_multiply(sector, {0, 1.5}, second.kept.at(0), {}, {.vectors = Gather::keep});
    const auto& psi = back.kept.at(0);

    EXPECT_EQ(second.ranks, first.ranks);
    EXPECT_NEAR(psi.site_profile("Sz").at(0).real(), 0.5, tolerance);  // the Neel state again
    EXPECT_NEAR(psi.site_profile("Sz").at(1).real(), -0.5, tolerance);
    EXPECT_NEAR(std::abs(psi.overlap(first.kept.at(0))), std::abs(first.kept.at(0).overlap(psi)),
                tolerance);
    EXPECT_ERROR(session().evolve(in(model, {"sz=1"}), first.kept.at(0), {1.0}), InvalidArgument,
                 "another sector");
    if (session().mode() == Mode::dynamic) {
      EXPECT_ERROR(session().evolve(sector, first.kept.at(0), {1.0}, {}, {.workers = 4}),
                   InvalidArgument, "kept on");
    }
  }
}

TEST(KeptVector, goes_on_with_the_workers_asked_for_where_there_are_fewer) {
  const Model model = ring(8);
  const SessionSolveOptions four = {.workers = 4, .vectors = Gather::keep};
  const auto start = parse_state("neel", model.op.spaces());
  const auto first = session().evolve(model.op, start, {0.8}, {}, four);

  const auto second = session().evolve(model.op, first.kept.at(0), {0.7}, {}, four);

  const auto at_once = session().evolve(model.op, start, {1.5}, {}, four);
  EXPECT_EQ(second.ranks, first.ranks);
  EXPECT_NEAR(std::abs(second.kept.at(0).overlap(at_once.kept.at(0))), 1, tolerance);
}

TEST(KeptVector, of_rows_without_sites_gives_norm_overlap_and_whole_vector) {
  constexpr index_t n = 60;
  for (const int workers : worker_counts()) {
    const auto solved = session().svds(PortableLazy<double>(n - 1, n, Differences{n}), {.k = 2},
                                       {.workers = workers, .vectors = Gather::keep});

    ASSERT_EQ(solved.kept.size(), 4u);  // left, left, right, right
    EXPECT_EQ(solved.kept[0].size(), n - 1);
    EXPECT_EQ(solved.kept[3].size(), n);
    EXPECT_NEAR(solved.kept[1].norm(), 1, 1e-12);
    EXPECT_NEAR(std::abs(solved.kept[2].overlap(solved.kept[3])), 0, tolerance);
    EXPECT_EQ(std::get<std::vector<double>>(solved.kept[2].gather()).size(), std::size_t(n));
    EXPECT_ERROR(solved.kept[0].overlap(solved.kept[2]), DimensionError, "entries");
    EXPECT_ERROR(solved.kept[0].site_profile("Sz"), NotSupported, "no sites");
  }
}

TEST(KeptVector, its_end_releases_it) {
  if (session().mode() != Mode::dynamic && session().mode() != Mode::futures)
    GTEST_SKIP() << "vectors are in workers only in dynamic and futures mode";
  const int workers = session().mode() == Mode::dynamic ? 3 : session().default_workers();
  Pool& pool = session().pool(workers);
  const auto before = kept_objects(pool);
  {
    const auto solved =
        session().eigh(ring(8).op, {.k = 2}, {.workers = workers, .vectors = Gather::keep});
    const KeptVector copy = solved.kept[1];
    EXPECT_EQ(kept_objects(pool), before + std::size_t(workers));
  }
  EXPECT_EQ(kept_objects(pool), before);
  EXPECT_ERROR(pool.submit([] {
                     const KeptVector inside(std::make_shared<const detail::VectorHome>(
                                                 std::weak_ptr<detail::Backend>{}, 1, 1, 1),
                                             0, 1, ScalarKind::real);
                     return inside.norm();
                   })
                   .get(),
               InvalidArgument, "a task cannot");
}

TEST(KeptVector, its_loss_is_told) {
  if (session().mode() != Mode::dynamic)
    GTEST_SKIP() << "a dead rank of a job ends the job; other modes keep vectors in main";
  const auto solved = session().eigh(ring(8).op, {}, {.workers = 2, .vectors = Gather::keep});
  Pool& pool = session().pool(2);
  const auto pids = pool.broadcast([] { return static_cast<int>(::getpid()); });

  ::kill(pids.at(1), SIGKILL);

  EXPECT_ERROR(solved.kept[0].norm(), WorkerDied, "");
  EXPECT_ERROR(solved.kept[0].expectation(ring(8).op), WorkerDied, "solve again");
  EXPECT_NEAR(session().eigh(ring(8).op, {}, {.workers = 2}).result.eigenvalues.at(0),
              -3.6510934089371753, tolerance);
}

TEST(SessionSolves, refuse_what_has_no_place) {
  const PortableLazy<double> rows(20, 20, [](RowRange range) {
    CsrRows<double> identity;
    identity.range = range;
    identity.cols = 20;
    for (index_t i = range.begin; i < range.end; ++i) {
      identity.columns.push_back(i);
      identity.values.push_back(1);
      identity.offsets.push_back(identity.offsets.back() + 1);
    }
    return identity;
  });
  const auto neel = parse_state("neel", ring(4).op.spaces());
  const std::vector<double> ones(20, 1.0);
  for (const int workers : worker_counts()) {
    const SessionSolveOptions where = {.workers = workers};
    EXPECT_ERROR(session().evolve(rows, neel, {1.0}, {}, where), InvalidArgument, "sites");
    EXPECT_ERROR(session().evolve(rows, ones, {1.0}, {}, where, {sz_at(4, 0)}), InvalidArgument,
                 "observe");
    EXPECT_NEAR(session().evolve(rows, ones, {1.0}, {}, where).result.energies.at(0), 1, tolerance);
    OpSum bad(4);
    bad.add(Complex(0, 1), {{"Sz", 0}});
    EXPECT_ERROR(session().expm_multiply(bad, 1, neel, {}, where), InvalidArgument, "Sz_0");
    EXPECT_ERROR(session().svds(rows, {.k = 21}, where), InvalidArgument, "k must be");
  }
  EXPECT_ERROR(PortableOperator(ring(4).op, Sector{ring(6).op.spaces(), {}, {}, {}}),
               DimensionError, "sites");
}

}  // namespace
}  // namespace kronsolve
