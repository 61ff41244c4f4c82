// Runs that end at any step and go on from what they have written.

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <unistd.h>

#include <kronsolve/core/file.hpp>
#include <kronsolve/solvers/certify.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/filter.hpp>
#include <kronsolve/solvers/lanczos.hpp>
#include <kronsolve/solvers/level_line.hpp>
#include <kronsolve/solvers/neighbours.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "support/chains.hpp"
#include "support/checkpoint_test.hpp"
#include "support/dense_map.hpp"
#include "support/lazy_matrix.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

namespace fs = std::filesystem;
using test::CheckpointTest;
using test::DenseMap;
using test::distributed;
using test::Matrix;
using test::Random;
using test::whole;
using test::world;

template <Scalar T>
std::vector<T> entries(const DistributedVectors<T>& vectors) {
  std::vector<T> all;
  for (index_t j = 0; j < vectors.count(); ++j)
    for (const T& entry : vectors.gather_to_all(world(), j)) all.push_back(entry);
  return all;
}

/// The same to the last bit: sums on as many ranks and threads are the same sums.
template <Scalar T>
void expect_same(const Pairs<T>& now, const Pairs<T>& undisturbed) {
  EXPECT_EQ(now.eigenvalues, undisturbed.eigenvalues);
  EXPECT_EQ(now.residuals, undisturbed.residuals);
  EXPECT_EQ(now.iterations, undisturbed.iterations);
  EXPECT_EQ(now.converged, undisturbed.converged);
  EXPECT_EQ(now.reason, undisturbed.reason);
  EXPECT_EQ(entries(now.vectors), entries(undisturbed.vectors));
}

TEST_F(CheckpointTest, lanczos_stopped_before_any_step_gives_the_same_bits) {
  const auto test = [&]<Scalar T>(LanczosOptions options) {
    Random random(4);
    const index_t n = 70;
    const DenseMap<T> map(world(), random.hermitian<T>(n, 5, 0),
                          random.partition(n, world().size()));
    const auto undisturbed = lanczos<T>(map, options);
    ASSERT_TRUE(undisturbed.converged) << undisturbed.reason;

    const int stops = stop_everywhere(
        1000, stride(1),
        [&](Checkpoint& checkpoint) {
          auto now = options;
          now.checkpoint = &checkpoint;
          return lanczos<T>(map, now);
        },
        [&](const Pairs<T>& now) { expect_same(now, undisturbed); });

    EXPECT_GT(stops, world().size() == 1 ? 20 : 0);
  };
  // Kept vectors; a second pass; values alone; several pairs at the other end; of one recurrence.
  test.operator()<double>({});
  test.operator()<double>({.k = 2, .keep_bytes = 0});
  test.operator()<double>({.vectors = Eigenvectors::skip});
  test.operator()<std::complex<double>>({.k = 2, .which = Which::LA, .keep_bytes = 0});
  test.operator()<double>({.k = 3, .distinct = true});
  test.operator()<double>({.k = 4, .which = Which::LA, .distinct = true, .keep_bytes = 0});
  test.operator()<std::complex<double>>({.k = 3, .distinct = true, .keep_bytes = 0});
}

TEST_F(CheckpointTest, a_certificate_goes_on_also_where_it_puts_pairs_in) {
  Random random(3);
  std::vector<double> values = {-2, -2, -2, -1.5};
  for (int i = 0; i < 40; ++i) values.push_back(-1 + 0.07 * i);
  const DenseMap<double> map(world(), random.with_spectrum<double>(values),
                             RowPartition(44, world().size()));
  // Two of the three lowest, and one that is not: a copy was missed.
  const auto exact = lanczos<double>(map, {.k = 4});
  ASSERT_TRUE(exact.converged) << exact.reason;
  struct Found {
    std::vector<double> values, residuals;
    DistributedVectors<double> vectors;
    Certificate certificate;
  };
  const auto run = [&](Checkpoint* checkpoint) {
    Found found{{exact.eigenvalues[0], exact.eigenvalues[1], exact.eigenvalues[3]},
                {exact.residuals[0], exact.residuals[1], exact.residuals[3]},
                DistributedVectors<double>(map.row_partition(), world().rank(), 3),
                {}};
    for (const index_t j : {0, 1, 3}) {
      const auto from = exact.vectors.column(j);
      std::copy(from.begin(), from.end(), found.vectors.column(std::min<index_t>(j, 2)).begin());
    }
    found.certificate = certify_levels<double>(map, found.values, found.residuals, found.vectors,
                                               {.checkpoint = checkpoint});
    return found;
  };
  const Found undisturbed = run(nullptr);
  ASSERT_EQ(undisturbed.certificate.inserted, 1);

  const int stops = stop_everywhere(
      1000, stride(1), [&](Checkpoint& checkpoint) { return run(&checkpoint); },
      [&](const Found& now) {
        EXPECT_EQ(now.values, undisturbed.values);
        EXPECT_EQ(now.residuals, undisturbed.residuals);
        EXPECT_EQ(now.certificate.text, undisturbed.certificate.text);
        EXPECT_EQ(entries(now.vectors), entries(undisturbed.vectors));
      });

  EXPECT_GT(stops, world().size() == 1 ? 20 : 0);
}

TEST_F(CheckpointTest, the_filter_stopped_before_any_step_gives_the_same_bits) {
  const auto test = [&]<Scalar T>(int copies, FilterOptions options, index_t inserted) {
    Random random(11);
    std::vector<double> values(static_cast<std::size_t>(copies), 0.1);
    for (int i = 0; i < 60; ++i) values.push_back(-1.5 + 0.05 * i + 0.003);
    const auto n = std::ssize(values);
    const DenseMap<T> map(world(), random.with_spectrum<T>(values),
                          random.partition(static_cast<int>(n), world().size()));
    const auto undisturbed = filter_eigh<T>(map, options);
    ASSERT_TRUE(undisturbed.converged) << undisturbed.reason;
    ASSERT_EQ(undisturbed.inserted, inserted) << undisturbed.certificate;

    const int stops = stop_everywhere(
        1000, stride(1),
        [&](Checkpoint& checkpoint) {
          auto now = options;
          now.checkpoint = &checkpoint;
          return filter_eigh<T>(map, now);
        },
        [&](const FilterResult<T>& now) {
          expect_same<T>(now, undisturbed);
          EXPECT_EQ(now.products, undisturbed.products);
          EXPECT_EQ(now.certify_products, undisturbed.certify_products);
          EXPECT_EQ(now.certificate, undisturbed.certificate);
        });

    EXPECT_GT(stops, world().size() == 1 ? 3 : 0);
  };
  test.operator()<double>(1, {.k = 5, .sigma = 0.3}, 0);
  test.operator()<std::complex<double>>(1, {.interval = std::pair(-0.5, 0.2), .block = 2}, 0);
  // More copies than vectors side by side: the certificate puts some in. More pairs than expected.
  test.operator()<double>(5, {.k = 6, .sigma = 0.1, .block = 1, .max_vectors = 40}, 4);
}

TEST_F(CheckpointTest, singular_values_go_on) {
  index_t inserted = 0;
  const auto test = [&]<Scalar T>(const std::vector<double>& values, SvdsOptions options,
                                  int every = 3) {
    Random random(5);
    const auto n = std::ssize(values), m = n + 20;
    const Matrix<T> q = random.matrix<T>(m, m).householderQr().householderQ();
    const Matrix<T> a = q.leftCols(n) * random.with_spectrum<T>(values);
    const DenseMap<T> map(world(), a, random.partition(static_cast<int>(m), world().size()),
                          random.partition(static_cast<int>(n), world().size()));
    const auto run = [&](Checkpoint& checkpoint) {
      auto now = options;
      now.checkpoint = &checkpoint;
      return svds<T>(map, now);
    };
    Checkpoint none(world(), {.path = path("none")});
    const auto undisturbed = run(none);
    ASSERT_TRUE(undisturbed.converged) << undisturbed.reason;
    inserted += undisturbed.inserted;

    const int stops = stop_everywhere(1000, stride(every), run, [&](const SvdsResult<T>& now) {
      EXPECT_EQ(now.singular_values, undisturbed.singular_values);
      EXPECT_EQ(now.residuals, undisturbed.residuals);
      EXPECT_EQ(now.iterations, undisturbed.iterations);
      EXPECT_EQ(now.products, undisturbed.products);
      EXPECT_EQ(now.certify_products, undisturbed.certify_products);
      EXPECT_EQ(now.reason, undisturbed.reason);
      EXPECT_EQ(now.certificate, undisturbed.certificate);
      EXPECT_EQ(entries(now.left), entries(undisturbed.left));
      EXPECT_EQ(entries(now.right), entries(undisturbed.right));
    });

    EXPECT_GT(stops, world().size() == 1 ? 3 : 0);
  };
  std::vector<double> even, decaying, copies = {3, 3, 3, 3};
  for (int i = 1; i <= 60; ++i) {
    even.push_back(0.1 * i);
    decaying.push_back(std::pow(0.5, i));
  }
  const auto largest = SingularEnd::largest, smallest = SingularEnd::smallest;
  test.operator()<double>(even, {.k = 3, .ncv = 12});
  test.operator()<std::complex<double>>(even,
                                        {.k = 2, .ncv = 10, .vectors = SingularVectors::skip});
  test.operator()<double>(even, {.k = 3, .which = smallest, .ncv = 20});
  test.operator()<double>(even, {.k = 3, .ncv = 14, .method = SvdMethod::bidiagonal});
  test.operator()<double>(even, {.k = 2, .which = largest, .method = SvdMethod::cross});
  // Too small beside the norm for A^H A: another method takes over.
  test.operator()<double>(decaying, {.k = 12});
  // A copy is missed, and put in.
  for (int i = 0; i < 200; ++i) copies.push_back(2.9 - 0.01 * i);
  for (std::uint64_t seed = 0; seed < 2; ++seed)
    test.operator()<double>(
        copies, {.k = 4, .tol = 1e-4, .seed = seed, .method = SvdMethod::bidiagonal}, 11);
  EXPECT_GT(inserted, 0);
}

TEST_F(CheckpointTest, pairs_inside_the_spectrum_go_on) {
  for (EighOptions options :
       {EighOptions{.k = 3, .which = Which::TM, .position = 0.4},
        EighOptions{.k = 2, .which = Which::SM}, EighOptions{.interval = std::pair(0.2, 0.5)}}) {
    options.certify = true;
    const auto run = [&](Checkpoint& checkpoint) {
      auto now = options;
      now.checkpoint = &checkpoint;
      return eigh(world(), test::heisenberg(7, false), now);
    };
    Checkpoint none(world(), {.path = path("none")});
    const auto undisturbed = run(none);
    ASSERT_TRUE(undisturbed.converged) << undisturbed.reason;
    EXPECT_EQ(undisturbed.method, Method::filter);

    const int stops = stop_everywhere(1000, stride(5), run, [&](const EighResult& now) {
      EXPECT_EQ(now.eigenvalues, undisturbed.eigenvalues);
      EXPECT_EQ(now.residuals, undisturbed.residuals);
      EXPECT_EQ(now.products, undisturbed.products);
      EXPECT_EQ(now.certify_products, undisturbed.certify_products);
      EXPECT_EQ(now.reason, undisturbed.reason);
      EXPECT_EQ(entries(now.vectors_as<double>()), entries(undisturbed.vectors_as<double>()));
    });

    EXPECT_GT(stops, world().size() == 1 ? 3 : 0);
  }
}

TEST_F(CheckpointTest, solves_that_neighbours_help_go_on) {
  const auto h = [](double field) {
    OpSum sum = test::heisenberg(8, false);
    for (int i = 0; i < 8; ++i) sum.add(field * (i + 1), {{"Sz", i}});
    return on_full_space(sum);
  };
  for (const index_t k : {1, 2}) {
    const EighOptions options{.k = k, .method = Method::lanczos};
    const auto run = [&](Checkpoint* checkpoint) {
      Neighbours neighbours;
      // One that goes on has none of its neighbours any more.
      if (checkpoint == nullptr || !checkpoint->resumes())
        for (int i = 0; i < 4; ++i) (void)neighbours.eigh(world(), h(0.1 + 0.02 * i), options);
      auto now = options;
      now.checkpoint = checkpoint;
      return neighbours.eigh(world(), h(0.18), now);
    };
    const auto undisturbed = run(nullptr);
    ASSERT_TRUE(undisturbed.converged);

    const int stops = stop_everywhere(
        1000, stride(3), [&](Checkpoint& checkpoint) { return run(&checkpoint); },
        [&](const EighResult& now) {
          EXPECT_EQ(now.eigenvalues, undisturbed.eigenvalues);
          EXPECT_EQ(now.residuals, undisturbed.residuals);
          EXPECT_EQ(now.products, undisturbed.products);
          EXPECT_EQ(now.certified, undisturbed.certified);
          EXPECT_EQ(now.certificate, undisturbed.certificate);
          EXPECT_EQ(entries(now.vectors_as<double>()), entries(undisturbed.vectors_as<double>()));
        });

    EXPECT_GT(stops, world().size() == 1 ? 3 : 0);
  }
}

TEST_F(CheckpointTest, lines_of_levels_go_on) {
  const OpSum a = test::heisenberg(8, false);
  OpSum b = a;
  for (int i = 0; i < 8; ++i) b.add(0.3 * i, {{"Sz", i}});
  for (const auto method : {Method::lanczos, Method::dense}) {
    const EighOptions options{.k = 2, .method = method};
    const std::vector<double> places = {0, 1, 0.5, 0.25};
    const auto run = [&](Checkpoint* checkpoint) {
      auto now = options;
      now.checkpoint = checkpoint;
      LevelLine line(world(), on_full_space(a), b, now);
      std::size_t solved = 0;
      CheckpointStage stage(checkpoint, "line", [&](CheckpointWriter& writer) {
        writer.numbers("solved", std::tie(solved));
        line.write(writer);
      });
      if (stage.saved() != nullptr) {
        stage.saved()->numbers("solved", std::tie(solved));
        line.restore(*stage.saved());
      }
      for (bool first = true; solved < places.size(); ++solved) {
        if (!std::exchange(first, false)) stage.step();
        (void)line.solve(places[solved]);
      }
      std::vector<double> all;
      for (const double t : {0.0, 0.1, 0.3, 0.6, 0.9}) {
        const auto levels = line.at(t);
        all.insert(all.end(), levels.values.begin(), levels.values.end());
        all.insert(all.end(), levels.bounds.begin(), levels.bounds.end());
      }
      return all;
    };
    const auto undisturbed = run(nullptr);

    const int stops = stop_everywhere(
        1000, method == Method::dense ? 1 : stride(61),
        [&](Checkpoint& checkpoint) { return run(&checkpoint); },
        [&](const std::vector<double>& now) { EXPECT_EQ(now, undisturbed); });

    EXPECT_GT(stops, world().size() == 1 ? 2 : 0);
  }
}

TEST_F(CheckpointTest, another_start_vector_is_another_problem) {
  const auto rows = RowPartition(16, world().size()).range(world().rank());
  EighOptions options{.start = std::vector<double>(static_cast<std::size_t>(rows.size()), 1.0),
                      .method = Method::lanczos};
  const auto run = [&](Checkpoint& checkpoint) {
    options.checkpoint = &checkpoint;
    return eigh(world(), test::heisenberg(4, false), options);
  };
  int asked = 0;
  Checkpoint first(world(), {.path = path(), .stop = [&] { return ++asked > 3; }});
  EXPECT_THROW((void)run(first), Stopped);
  Checkpoint second(world(), {.path = path()});
  options.start = {};
  EXPECT_ERROR((void)run(second), InvalidArgument, "start is 'checksum");
}

/// SLEPc's inner state is not to be had: what goes on is another solve, which finds the same.
TEST_F(CheckpointTest, slepc_goes_on_from_the_pairs_it_has_and_the_sum_of_the_others) {
  const auto test = [&]<Scalar T>(EighOptions options, std::vector<double> exact) {
    Random random(13);
    std::vector<double> values = {-2, -2};
    for (int i = 0; i < 120; ++i) values.push_back(-1.9 + 0.03 * i);
    const Matrix<T> h = random.with_spectrum<T>(values);
    const auto n = std::ssize(values);
    const Lazy<T> rows = test::lazy(h);
    options.method = Method::slepc;
    const auto run = [&](Checkpoint& checkpoint) {
      auto now = options;
      now.checkpoint = &checkpoint;
      return eigh(world(), rows, now);
    };
    const auto right = [&](const EighResult& now) {
      ASSERT_TRUE(now.converged) << now.reason;
      EXPECT_EQ(now.method, Method::slepc) << now.reason;
      ASSERT_EQ(now.eigenvalues.size(), exact.size());
      for (std::size_t i = 0; i < exact.size(); ++i)
        EXPECT_NEAR(now.eigenvalues[i], exact[i], 1e-13 * double(n)) << now.reason;
      EXPECT_TRUE(now.certified.value_or(false)) << now.certificate;
    };
    const int stops = stop_everywhere(1000, world().size() == 1 ? 3 : 17, run, right);
    EXPECT_GT(stops, options.sigma ? 0 : world().size() == 1 ? 5 : 1);

    // Stopped again and again it still arrives.
    clear();
    for (int part = 0; part < 1000; ++part) {
      int asked = 0;
      const int steps = world().size() == 1 ? 6 : 30;
      Checkpoint checkpoint(world(), {.path = path(), .stop = [&] { return ++asked == steps; }});
      try {
        right(run(checkpoint));
        break;
      } catch (const Stopped&) {
        ASSERT_LT(part, 999);
      }
    }
  };
  test.operator()<double>({.k = 4}, {-2, -2, -1.9, -1.87});
  if (world().size() > 2) return;  // the same again, and long where ranks wait for cores
  test.operator()<std::complex<double>>({.k = 3, .which = Which::LA}, {1.61, 1.64, 1.67});
  test.operator()<double>({.k = 3, .which = Which::TM, .sigma = 0.051}, {0.02, 0.05, 0.08});
}

TEST_F(CheckpointTest, one_that_is_not_required_chooses_no_method_and_refuses_none) {
  Checkpoint checkpoint(world(), {.path = path(), .required = false, .stop = [] { return true; }});
  const auto result = eigh(world(), test::heisenberg(4, false), {.checkpoint = &checkpoint});
  EXPECT_EQ(result.method, Method::dense);
  EXPECT_TRUE(result.converged);
  const DenseMap<double> map(world(), Matrix<double>::Identity(4, 4),
                             RowPartition(4, world().size()));
  EXPECT_EQ(svds<double>(map, {.checkpoint = &checkpoint}).method, SvdMethod::dense);
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(CheckpointTest, what_cannot_go_on_is_refused_with_the_remedy) {
  const auto refused = [&](EighOptions options, const char* words) {
    Checkpoint checkpoint(world(), {.path = path()});
    options.checkpoint = &checkpoint;
    EXPECT_ERROR((void)eigh(world(), test::heisenberg(4, false), options), NotSupported, words);
  };
  refused({.method = Method::dense}, "needs method lanczos or slepc for the ends");
  refused({.k = 2, .method = Method::lobpcg}, "filter for an interval; method lobpcg cannot");
  refused({.interval = std::pair(-1.0, 1.0), .method = Method::slepc}, "slepc for an interval");
  refused({.which = Which::LM}, "leave the checkpoint out");
  refused({.k = EighOptions::all}, "method dense cannot go on");
  Checkpoint checkpoint(world(), {.path = path()});
  const DenseMap<double> map(world(), Matrix<double>::Identity(4, 4),
                             RowPartition(4, world().size()));
  EXPECT_ERROR((void)svds<double>(map, {.method = SvdMethod::dense, .checkpoint = &checkpoint}),
               NotSupported, "needs method restarted, bidiagonal or cross");
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(CheckpointTest, evolutions_go_on) {
  Random random(8);
  const int n = 30;
  const auto test = [&]<Scalar T>(EvolutionMethod method, TimeAxis axis) {
    const DenseMap<T> h(world(), random.hermitian<T>(n, 4, 0), random.partition(n, world().size()));
    const auto psi = distributed<T>(world(), h.row_partition(), random.vector<T>(n));
    const std::vector<double> times = {0, 0.5, 1, 1.5, 2, 2.5};
    const auto run = [&](Checkpoint* checkpoint) {
      return evolve(h, psi, times, {.method = method, .axis = axis, .checkpoint = checkpoint});
    };
    const auto undisturbed = run(nullptr);
    const int stops = stop_everywhere(
        100, 1, [&](Checkpoint& checkpoint) { return run(&checkpoint); },
        [&](const EvolutionResult& now) {
          EXPECT_EQ(now.times, undisturbed.times);
          EXPECT_EQ(now.energies, undisturbed.energies);
          EXPECT_EQ(now.norms, undisturbed.norms);
          EXPECT_EQ(now.log_norms, undisturbed.log_norms);
          EXPECT_EQ(now.errors, undisturbed.errors);
          EXPECT_EQ(now.energy_drift, undisturbed.energy_drift);
          EXPECT_EQ(now.steps, undisturbed.steps);
          EXPECT_EQ(now.products, undisturbed.products);
          std::visit(
              [&](const auto& state) {
                EXPECT_EQ(entries(state),
                          entries(std::get<std::decay_t<decltype(state)>>(undisturbed.state)));
              },
              now.state);
        });
    EXPECT_EQ(stops, 5);  // after each time but the last
  };
  for (const auto method :
       {EvolutionMethod::expm, EvolutionMethod::solve, EvolutionMethod::integrate})
    for (const auto axis : {TimeAxis::real, TimeAxis::imaginary}) {
      SCOPED_TRACE(detail::concat(to_string(method), axis == TimeAxis::real ? "" : ", imaginary"));
      test.operator()<double>(method, axis);
      test.operator()<std::complex<double>>(method, axis);
    }
}

/// A stage that counts, and what it has kept.
double count_to(Checkpoint& checkpoint, int last) {
  double count = 0;
  CheckpointStage stage(&checkpoint, "counting", [&](CheckpointWriter& writer) {
    writer.numbers("count", std::vector<double>{count});
  });
  if (stage.saved() != nullptr) count = stage.saved()->numbers("count").at(0);
  while (count < last) {
    stage.step();
    ++count;
  }
  return count;
}

void count_and_stop(const std::string& path, int steps) {
  int asked = 0;
  Checkpoint checkpoint(world(), {.path = path, .stop = [&] { return ++asked > steps; }});
  EXPECT_THROW(count_to(checkpoint, 1000), Stopped);
}

std::string content(const std::string& path) { return read_text_file(path); }
void put(const std::string& path, const std::string& text) {
  world().barrier();
  if (world().is_root()) std::ofstream(path, std::ios::binary) << text;
  world().barrier();
}

TEST_F(CheckpointTest, the_rule_of_three) {
  {
    const Checkpoint nothing(world(), {.path = path()});
    EXPECT_EQ(nothing.found(),
              detail::concat("nothing at '", path(), "': starting from the beginning"));
    EXPECT_FALSE(nothing.resumes());
  }
  count_and_stop(path(), 3);
  {
    Checkpoint fits(world(), {.path = path()});
    EXPECT_EQ(fits.found(), detail::concat("going on from '", path(), "'"));
    (void)count_to(fits, 5);
  }
  put(path(), "something else");
  EXPECT_ERROR(Checkpoint(world(), {.path = path()}), InvalidArgument, "nothing was touched");
  EXPECT_EQ(content(path()), "something else");
}

TEST_F(CheckpointTest, of_another_problem_names_the_field) {
  {
    int asked = 0;
    Checkpoint checkpoint(world(), {.path = path(), .stop = [&] { return ++asked > 2; }});
    checkpoint.identify("tol", "1e-10");
    checkpoint.identify("operator", std::string(200, 'a') + "1 Sz_0" + std::string(200, 'b'));
    EXPECT_THROW(count_to(checkpoint, 100), Stopped);
  }
  const std::string before = content(path());
  Checkpoint checkpoint(world(), {.path = path()});
  EXPECT_ERROR(checkpoint.identify("tol", "1e-8"), InvalidArgument,
               "tol is '1e-10' there, '1e-8' here");
  EXPECT_ERROR(
      checkpoint.identify("operator", std::string(200, 'a') + "2 Sz_0" + std::string(200, 'b')),
      InvalidArgument, "1 Sz_0");
  EXPECT_ERROR(checkpoint.identify("shape", "round"), InvalidArgument, "does not say 'shape'");
  EXPECT_EQ(content(path()), before);
}

TEST_F(CheckpointTest, another_part_of_a_run_is_refused) {
  count_and_stop(path(), 2);
  Checkpoint checkpoint(world(), {.path = path()});
  EXPECT_ERROR(CheckpointStage(&checkpoint, "other", [](CheckpointWriter&) {}), InvalidArgument,
               "was written in the part 'counting'");
}

TEST_F(CheckpointTest, resumes_from_a_file_that_it_does_not_write) {
  count_and_stop(path("old"), 7);
  const std::string before = content(path("old"));
  {
    Checkpoint checkpoint(world(), {.path = "", .resume = path("old")});
    EXPECT_EQ(count_to(checkpoint, 20), 20);
  }
  EXPECT_ERROR(Checkpoint(world(), {.path = path("old"), .resume = path("other")}), InvalidArgument,
               "is there already");
  int asked = 0;
  Checkpoint both(
      world(), {.path = path("new"), .resume = path("old"), .stop = [&] { return ++asked > 1; }});
  EXPECT_THROW(count_to(both, 20), Stopped);
  EXPECT_EQ(content(path("old")), before);
  EXPECT_FALSE(fs::exists(path("old.previous")));
  Checkpoint further(world(), {.path = path("new")});
  EXPECT_EQ(count_to(further, 20), 20);
}

TEST_F(CheckpointTest, of_a_damaged_file_the_older_one_is_taken) {
  count_and_stop(path(), 3);
  count_and_stop(path(), 4);  // from 3 on, to 7
  const std::string whole_file = content(path()), older = content(path("c.previous"));
  ASSERT_NE(whole_file, older);
  std::mt19937_64 random(17);
  std::vector<std::string> damaged;
  for (int i = 0; i < 100; ++i)
    damaged.push_back(whole_file.substr(0, whole_file.size() * static_cast<std::size_t>(i) / 100));
  const auto flip = [&](std::size_t at) {
    damaged.push_back(whole_file);
    damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ (1 << (random() % 8)));
  };
  constexpr std::size_t header = 2048;
  for (std::size_t at = 0; at < std::min(header, whole_file.size()); ++at) flip(at);
  for (int i = 0; i < (world().size() == 1 ? 10'000 : 100); ++i) flip(random() % whole_file.size());
  if (world().size() > 1) damaged.resize(300);

  for (const auto& text : damaged) {
    put(path(), text);
    Checkpoint checkpoint(world(), {.path = path()});
    ASSERT_EQ(checkpoint.resumed_from(), path("c.previous"));
    ASSERT_NE(checkpoint.found().find("going on from the older"), std::string::npos);
  }
  // What is written then leaves the older one alone: it is all there is.
  count_and_stop(path(), 2);
  EXPECT_EQ(content(path("c.previous")), older);
  count_and_stop(path(), 2);
  EXPECT_NE(content(path("c.previous")), older);

  put(path("c.previous"), "damaged, too");
  put(path(), whole_file.substr(0, 1000));
  EXPECT_ERROR(Checkpoint(world(), {.path = path()}), InvalidArgument, "nothing was touched");
}

TEST_F(CheckpointTest, is_written_when_it_is_time) {
  double count = 0;
  Checkpoint checkpoint(world(), {.path = path(), .every = 1e-9});
  CheckpointStage stage(&checkpoint, "counting", [&](CheckpointWriter&) { ++count; });
  for (int i = 0; i < 5; ++i) stage.step();
  EXPECT_EQ(count, 5);
  // What takes long to write is not written again and again.
  count = 0;
  const CheckpointStage large(&checkpoint, "large", [&](CheckpointWriter&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  });
  for (int i = 0; i < 5; ++i) stage.step();
  EXPECT_EQ(count, 1);
  EXPECT_ERROR(Checkpoint(world(), {.path = path(), .every = 0}), InvalidArgument, "above 0");
}

}  // namespace
}  // namespace kronsolve
