// Workers that are not of this program: another executable, other plugins. Refused with names, and
// never asked for anything. Its tests run in this order: what is loaded stays loaded.

#include <chrono>
#include <filesystem>
#include <string>

#include <dlfcn.h>

#include <kronsolve/exec/pool.hpp>

#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using test::session;

std::string beside_this_program(const char* name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

TEST(Strangers, another_program_is_refused_at_its_greeting) {
  const std::string other = beside_this_program("test_exec_map");
  for (const Isolation isolation : {Isolation::pool, Isolation::worker}) {
    Pool pool = session().make_pool({.workers = 2, .isolation = isolation, .program = other});
    const auto start = std::chrono::steady_clock::now();

    const auto future = pool.submit([] { return 1; });

    EXPECT_ERROR(future.get(), BrokenPool, other);
    EXPECT_ERROR(future.get(), BrokenPool, beside_this_program("test_exec_strangers"));
    EXPECT_ERROR(pool.boot(), BrokenPool, "another build");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  }
}

TEST(Strangers, a_callable_of_a_plugin_that_only_this_process_has_is_unknown_to_workers) {
  Pool& pool = session().pool(2);
  EXPECT_EQ(pool.submit([](int x) { return x; }, 4).get(), 4);
  Pool made_before = session().make_pool({.workers = 2});
  void* plugin = ::dlopen(beside_this_program("libkronsolve_test_plugin.so").c_str(), RTLD_NOW);
  ASSERT_NE(plugin, nullptr) << ::dlerror();
  const auto triple = reinterpret_cast<int (*)(Pool*, int)>(::dlsym(plugin, "triple_on_worker"));
  ASSERT_NE(triple, nullptr);

  EXPECT_ERROR(triple(&pool, 5), NotSupported, "unknown to this process");

  EXPECT_EQ(pool.submit([](int x) { return x; }, 4).get(), 4);
  // Its workers greet when the plugin is there; what counts is when the pool was made.
  EXPECT_EQ(made_before.submit([](int x) { return x; }, 4).get(), 4);
}

TEST(Strangers, workers_without_the_plugin_of_this_process_are_refused) {
  Pool pool = session().make_pool({.workers = 1});
  EXPECT_ERROR(pool.submit([] { return 1; }).get(), BrokenPool, "plugins");
}

}  // namespace
}  // namespace kronsolve
