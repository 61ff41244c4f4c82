#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <kronsolve/solvers/eig.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/eigh_interval.hpp>
#include <kronsolve/solvers/engine.hpp>
#include <kronsolve/solvers/solve.hpp>

#include "support/chains.hpp"
#include "support/mpi_test.hpp"
#include "support/random_matrix.hpp"

namespace kronsolve {
namespace {

namespace fs = std::filesystem;

/// Sets an environment variable for a scope.
class Setting {
 public:
  Setting(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) before_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~Setting() { setenv(name_, before_.c_str(), 1); }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const char* name_;
  std::string before_;
};

/// A folder that is gone at the end of the scope.
class Folder {
 public:
  Folder()
      : path_(fs::temp_directory_path() /
              detail::concat("kronsolve-engines-", getpid(), "-", ++made)) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path operator/(const std::string& name) const { return path_ / name; }
  std::string string() const { return path_.string(); }

 private:
  static inline int made = 0;  // modules are remembered by path
  fs::path path_;
};

const fs::path engines = std::getenv("KRONSOLVE_ENGINE_DIR");
const EighOptions slepc{.method = Method::slepc};

// The tests run in this order: the first ones need a process in which nothing was started.

TEST(Engine, list_names_versions_and_starts_nothing) {
  const auto found = list_engines();

  ASSERT_GE(found.size(), 2u);  // the two with 64-bit indices are there where their PETSc is
  for (const auto& info : found) {
    EXPECT_EQ(info.problem, "");
    EXPECT_TRUE(fs::exists(info.path));
    const bool wide = info.variant.ends_with("64");
    EXPECT_EQ(info.variant, std::string(to_string(info.scalar)) + (wide ? "64" : ""));
    EXPECT_EQ(info.index_bits, wide ? 64 : 32);
    EXPECT_TRUE(info.petsc_version.starts_with("3.")) << info.petsc_version;
    EXPECT_TRUE(info.slepc_version.starts_with("3.")) << info.slepc_version;
  }
  EXPECT_FALSE(Environment::running());
}

TEST(Engine, no_signal_handler_is_installed) {
  Environment::ensure();  // MPI has its own
  struct sigaction before {
  }, after{};
  sigaction(SIGSEGV, nullptr, &before);
  (void)load_engine<double>();
  sigaction(SIGSEGV, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(Engine, a_missing_engine_is_named_with_path_and_variable) {
  const Folder empty;
  const Setting here("KRONSOLVE_ENGINE_DIR", empty.string());

  EXPECT_ERROR(load_engine<double>(), NotSupported, "kronsolve_engine_real.so is not there");
  EXPECT_ERROR(load_engine<double>(), NotSupported, "KRONSOLVE_ENGINE_DIR");
  EXPECT_TRUE(list_engines().empty());
  EXPECT_FALSE(engine_installed(ScalarKind::real));
  EXPECT_ERROR(eigh(Comm::serial(), test::heisenberg(8, true), slepc), NotSupported,
               "kronsolve_engine_real.so");
  // Nothing that needs no engine minds.
  EXPECT_NEAR(eigh(Comm::serial(), test::heisenberg(12, true), {.k = 2}).eigenvalues[0],
              -5.3873909174452059, 1e-10);
}

TEST(Engine, modules_of_another_interface_scalar_or_purpose_are_refused) {
  const struct {
    const char* file;
    const char* text;
  } cases[] = {{"other_abi", "interface 999"},
               {"other_scalar", "built for complex numbers"},
               {"other_indices", "64-bit indices"},
               {"no_factory", "not a module of kronsolve"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.file);
    const Folder folder;
    fs::copy_file(fs::path(KRONSOLVE_FAKE_ENGINES) / (std::string("fake_") + c.file + ".so"),
                  folder / "kronsolve_engine_real.so");
    const Setting here("KRONSOLVE_ENGINE_DIR", folder.string());

    EXPECT_ERROR(load_engine<double>(), NotSupported, c.text);
    const auto listed = list_engines();
    ASSERT_EQ(listed.size(), 1u);
    EXPECT_NE(listed[0].problem.find(c.text), std::string::npos) << listed[0].problem;
    fs::remove(folder / "kronsolve_engine_real.so");
    std::ofstream(folder / "kronsolve_engine_complex.so") << "no library";
    EXPECT_ERROR(load_engine<std::complex<double>>(), NotSupported,
                 "kronsolve_engine_complex.so is refused");
  }
}

TEST(Engine, a_size_beyond_32_bits_asks_for_an_engine_that_has_them) {
  if (!fs::exists(engines / "kronsolve_engine_real64.so")) {
    EXPECT_ERROR(load_engine<double>(index_t{1} << 31), NotSupported, "64-bit indices");
  } else {
    EXPECT_EQ(load_engine<double>(index_t{1} << 31).info().index_bits, 64);
  }
}

TEST(Engine, where_there_are_only_64_bit_indices_they_serve_small_problems_too) {
  const Folder folder;
  const Setting here("KRONSOLVE_ENGINE_DIR", folder.string());
  const auto wide = folder / "kronsolve_engine_real64.so";
  fs::copy_file(fs::path(KRONSOLVE_FAKE_ENGINES) / "fake_other_abi.so", wide);
  EXPECT_TRUE(engine_installed(ScalarKind::real));
  EXPECT_ERROR(load_engine<double>(), NotSupported, "kronsolve_engine_real64.so is refused");
  if (!fs::exists(engines / "kronsolve_engine_real64.so")) return;

  const Folder true_one;
  fs::create_symlink(engines / "kronsolve_engine_real64.so",
                     true_one / "kronsolve_engine_real64.so");
  const Setting there("KRONSOLVE_ENGINE_DIR", true_one.string());
  EXPECT_EQ(load_engine<double>().info().index_bits, 64);
  EXPECT_NEAR(eigh(Comm::serial(), test::heisenberg(8, true), slepc).eigenvalues[0],
              -3.6510934089371753, 1e-10);
}

TEST(Engine, a_machine_with_complex_petsc_only_solves_real_problems_there_and_says_so) {
  const Folder folder;
  fs::create_symlink(engines / "kronsolve_engine_complex.so",
                     folder / "kronsolve_engine_complex.so");
  const Setting here("KRONSOLVE_ENGINE_DIR", folder.string());

  const auto result = eigh(Comm::serial(), test::heisenberg(10, true), slepc);

  EXPECT_EQ(result.scalar, ScalarKind::real);
  EXPECT_NEAR(result.eigenvalues[0], -4.5154463544920429, 1e-10);
  EXPECT_NE(result.reason.find("no real one is installed"), std::string::npos) << result.reason;
  // Complex vectors of a multiplet mix its real ones: the real ones are orthonormal all the same.
  const auto levels =
      eigh(Comm::serial(), test::heisenberg(8, true), {.k = 8, .method = Method::slepc});
  const auto& vectors = levels.vectors_as<double>();
  for (index_t i = 0; i < 8; ++i)
    for (index_t j = 0; j <= i; ++j) {
      double overlap = 0;
      for (std::size_t row = 0; row < vectors.column(i).size(); ++row)
        overlap += vectors.column(i)[row] * vectors.column(j)[row];
      EXPECT_NEAR(std::abs(overlap), i == j ? 1 : 0, 1e-9) << i << " " << j;
    }
  for (const double residual : levels.residuals) EXPECT_LE(residual, 1e-9);
  // What needs no engine stays real.
  EXPECT_EQ(eigh(Comm::serial(), test::heisenberg(10, true), {.method = Method::lanczos}).scalar,
            ScalarKind::real);
}

TEST(Engine, the_complex_engine_alone_serves_every_real_problem) {
  const Folder folder;
  fs::create_symlink(engines / "kronsolve_engine_complex.so",
                     folder / "kronsolve_engine_complex.so");
  const Setting here("KRONSOLVE_ENGINE_DIR", folder.string());
  const Comm comm = Comm::serial();
  constexpr index_t n = 90;
  const auto matrix = test::random_hermitian<double>(n, 0.2, 11);
  const auto a = test::lazy<double>(matrix);
  const Eigen::SelfAdjointEigenSolver<test::Dense<double>> exact(matrix);
  const auto expect_levels = [&](const EighResult& r, index_t first, index_t count) {
    EXPECT_EQ(r.scalar, ScalarKind::real);
    EXPECT_TRUE(r.converged) << to_string(r.method) << " " << r.reason;
    ASSERT_EQ(static_cast<index_t>(r.eigenvalues.size()), count) << to_string(r.method);
    for (index_t i = 0; i < count; ++i)
      EXPECT_NEAR(r.eigenvalues[static_cast<std::size_t>(i)], exact.eigenvalues()[first + i], 1e-8)
          << to_string(r.method);
  };

  for (const Method method : {Method::slepc, Method::jd, Method::gd})
    expect_levels(eigh(comm, a, {.k = 3, .method = method}), 0, 3);
  const double sigma = 0.5 * (exact.eigenvalues()[40] + exact.eigenvalues()[41]);
  expect_levels(
      eigh(comm, a, {.k = 2, .which = Which::TM, .sigma = sigma, .method = Method::slepc}), 40, 2);
  const std::pair interval(0.5 * (exact.eigenvalues()[19] + exact.eigenvalues()[20]),
                           0.5 * (exact.eigenvalues()[29] + exact.eigenvalues()[30]));
  for (const Method method : {Method::slepc, Method::ciss}) {
    const auto r = eigh(comm, a, {.interval = interval, .method = method});
    expect_levels(r, 20, 10);
    EXPECT_FALSE(r.certified.has_value());
  }

  const auto general = eig(comm, a, {.k = 2, .which = EigWhich::SR, .method = EigMethod::slepc});
  EXPECT_NEAR(general.eigenvalues.at(0).real(), exact.eigenvalues()[0], 1e-8);
  const auto b = test::lazy<double>(test::Dense<double>(2 * test::Dense<double>::Identity(n, n)));
  const auto halves = eigh_generalised(comm, a, b, {.k = 2, .method = Method::slepc});
  EXPECT_NEAR(halves.eigenvalues.at(0), exact.eigenvalues()[0] / 2, 1e-8);

  DistributedVectors<double> right(RowPartition(n, 1), 0, 1);
  std::fill(right.column(0).begin(), right.column(0).end(), 1.0);
  EXPECT_TRUE(solve<double>(comm, a, right, {.method = SolveMethod::direct}).converged);
  const test::Dense<double> away = matrix + 50 * test::Dense<double>::Identity(n, n);
  EXPECT_TRUE(solve<double>(comm, test::lazy<double>(away), right,
                            {.method = SolveMethod::gmres,
                             .max_iterations = 2000,
                             .restart = n,
                             .krylov = KrylovSource::petsc})
                  .converged);
}

TEST(Engine, errors_of_petsc_come_back_in_its_own_words_and_leave_the_engine_usable) {
  EXPECT_ERROR(eigh(Comm::serial(), test::heisenberg(8, true),
                    {.method = Method::slepc, .petsc_options = "-eps_type no_such_type"}),
               EngineError, "no_such_type");
  EXPECT_NEAR(eigh(Comm::serial(), test::heisenberg(8, true), slepc).eigenvalues[0],
              -3.6510934089371753, 1e-10);
}

TEST(Engine, raw_options_hold_for_one_solve) {
  const auto limited = eigh(Comm::serial(), test::heisenberg(12, true),
                            {.k = 4, .method = Method::slepc, .petsc_options = "-eps_max_it 1"});
  EXPECT_FALSE(limited.converged);
  EXPECT_TRUE(eigh(Comm::serial(), test::heisenberg(12, true), {.k = 4, .method = Method::slepc})
                  .converged);
}

TEST(Engine, a_product_that_throws_ends_the_solve_with_its_exception) {
  class Broken final : public LinearMap<double> {
   public:
    using LinearMap::LinearMap;
    index_t memory_bytes() const noexcept override { return 0; }

   protected:
    void apply_impl(std::span<const double>, std::span<double>) const override {
      throw IoError("disk", "disk: gone");
    }
  };
  const Comm comm;
  const Broken map(comm, RowPartition(30, 1), RowPartition(30, 1));
  const std::vector<double> start(30, 1.0);

  EngineEigh<double> problem;
  problem.map = &map;
  problem.start = start;
  EXPECT_ERROR(load_engine<double>().eigh(problem), IoError, "disk: gone");
}

}  // namespace
}  // namespace kronsolve
