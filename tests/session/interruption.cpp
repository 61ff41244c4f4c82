// A solve that is waited for ends when the check of its thread throws, and everything serves on.

#include <functional>
#include <stdexcept>
#include <thread>

#include <kronsolve/core/interruption.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using test::session;

struct Stop : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A check that throws when it is asked for the n-th time.
std::function<void()> stop_after(int calls) {
  return [left = calls]() mutable {
    if (--left == 0) throw Stop("enough");
  };
}

OpSum ring(int sites) {
  return make_model("heisenberg", {.sites = sites, .cyclic = Cyclic::all}).op;
}

/// Takes minutes where nothing stops it.
EighOptions endless() {
  return {.k = 40, .tol = 1e-14, .max_iterations = 100'000'000, .method = Method::lanczos};
}

TEST(Interruption, ends_a_solve_of_this_process_between_products) {
  const InterruptionCheck check(stop_after(20));

  EXPECT_THROW(session().eigh(ring(16), endless(), {.workers = 1}), Stop);
}

TEST(Interruption, ends_a_solve_of_workers_and_the_next_one_works) {
  {
    const InterruptionCheck check(stop_after(20));
    EXPECT_THROW(session().eigh(ring(18), endless(), {.workers = 2}), Stop);
  }

  const auto r = session().ground_state(ring(12), {}, {.workers = 2});

  EXPECT_NEAR(r.result.eigenvalues.at(0), -5.387390917445, 1e-9);
}

TEST(Interruption, belongs_to_its_thread_and_its_scope) {
  {
    const InterruptionCheck check(stop_after(1));
    std::thread([] {
      EXPECT_NO_THROW(session().ground_state(ring(8), {}, {.workers = 1}));
    }).join();
  }

  EXPECT_NO_THROW(session().ground_state(ring(8), {}, {.workers = 1}));
}

}  // namespace
}  // namespace kronsolve
