#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <set>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/model_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using namespace test;

/// Neighbours of a chain at the given distance, each pair once.
Pairs chain_pairs(int n, bool cyclic, int distance = 1) {
  Pairs pairs;
  for (int i = 0; i < n; ++i) {
    const int j = i + distance;
    if (j < n)
      pairs.insert({i, j});
    else if (cyclic && n > 2 && j % n != i)
      pairs.insert(std::minmax(i, j % n));
  }
  return pairs;
}

Cyclic closed(bool cyclic) { return cyclic ? Cyclic::all : Cyclic::none; }

TEST(Models, parameters_that_are_numbers_keep_all_digits) {
  for (const double value : {1.0 / 3, 0.1 + 0.2, -std::sqrt(2.0) * 1e-7, 6.02214076e23}) {
    const Model m = make_model("ising", {.sites = 1, .params = {{"bx", value}}});
    ASSERT_EQ(m.op.terms().size(), 1u);
    EXPECT_EQ(std::abs(m.op.terms()[0].coefficient), std::abs(value));
    EXPECT_EQ(std::stod(m.params.at("bx")), value);
  }
}

TEST(Models, spin_chains_equal_their_formulas) {
  for (const int twice : {1, 2, 3})
    for (int n = 1; n <= (twice == 1 ? 5 : 3); ++n)
      for (const bool cyclic : {false, true}) {
        SCOPED_TRACE(::testing::Message()
                     << "n " << n << " twice spin " << twice << " cyclic " << cyclic);
        const Spins s{n, twice};
        const auto make = [&](const char* name, std::map<std::string, ModelValue> params) {
          return make_model(name, {.sites = n,
                                   .cyclic = closed(cyclic),
                                   .spin = std::to_string(twice) + "/2",
                                   .params = params});
        };
        const Pairs near = chain_pairs(n, cyclic), next = chain_pairs(n, cyclic, 2);

        EXPECT_LT(difference(make("heisenberg", {}), heisenberg(s, near, {1, 1, 1}, {})), rounding);
        EXPECT_LT(difference(make("heisenberg", {{"j", "0.7"}, {"b", "0.3"}}),
                             heisenberg(s, near, {0.7, 0.7, 0.7}, {0, 0, 0.3})),
                  rounding);
        EXPECT_LT(
            difference(
                make("heisenberg",
                     {{"jx", "0.1"}, {"jz", "-2"}, {"bx", "0.2"}, {"by", "1/3"}, {"bz", "0.5"}}),
                heisenberg(s, near, {0.1, 1, -2}, {0.2, 1.0 / 3, 0.5})),
            rounding);
        EXPECT_LT(difference(make("ising", {}), heisenberg(s, near, {0, 0, 1}, {1, 0, 0})),
                  rounding);
        EXPECT_LT(difference(make("ising", {{"jz", "2"}, {"bx", "-0.5"}}),
                             heisenberg(s, near, {0, 0, 2}, {-0.5, 0, 0})),
                  rounding);
        EXPECT_LT(difference(make("xy", {{"jxy", "3"}, {"bz", "0.25"}}),
                             heisenberg(s, near, {3, 3, 0}, {0, 0, 0.25})),
                  rounding);
        EXPECT_LT(difference(make("xy", {}), heisenberg(s, near, {1, 1, 0}, {})), rounding);
        EXPECT_LT(difference(make("xxz", {{"delta", "0.4"}, {"b", "1"}}),
                             heisenberg(s, near, {1, 1, 0.4}, {0, 0, 1})),
                  rounding);
        EXPECT_LT(difference(make("xyz", {{"jy", "0.5"}, {"by", "1"}}),
                             heisenberg(s, near, {1, 0.5, 1}, {0, 1, 0})),
                  rounding);
        EXPECT_LT(
            difference(make("j1j2", {{"bz", "0.1"}}), heisenberg(s, near, {1, 1, 1}, {0, 0, 0.1}) +
                                                          heisenberg(s, next, {0.5, 0.5, 0.5}, {})),
            rounding);
      }
}

TEST(Models, mbl_adds_local_fields_with_a_plus) {
  constexpr int n = 5;
  const Spins s{n, 1};
  const CounterRandom random(7);
  for (const std::string dist : {"uniform", "gauss", "quasiperiodic"}) {
    const Model model = make_model(
        "mbl",
        {.sites = n,
         .cyclic = Cyclic::x,
         .params = {{"dh", "1.5"}, {"axes", "xz"}, {"seed", "7"}, {"dist", dist}, {"b", "0.3"}}});
    DenseMatrix h = heisenberg(s, chain_pairs(n, true), {1, 1, 1}, {0, 0, 0.3});
    for (int i = 0; i < n; ++i)
      for (const auto& [axis, name] : {std::pair{0u, 'x'}, std::pair{2u, 'z'}}) {
        const std::uint64_t at = 3 * static_cast<std::uint64_t>(i) + axis;
        double r = 2 * random.uniform(at) - 1;
        if (dist == "gauss") r = random.normal(at);
        if (dist == "quasiperiodic")
          r = std::cos(2 * std::numbers::pi *
                       ((std::sqrt(5.0) - 1) / 2 * i + random.uniform(axis)));
        h += 1.5 * r * s(name, i);
      }

    EXPECT_LT(difference(model, h), rounding) << dist;
  }
  const Model given =
      make_model("mbl", {.sites = 3, .params = {{"h", "0.5,-1,1/4"}, {"axes", "y"}}});
  const Spins three{3, 1};
  EXPECT_LT(difference(given, heisenberg(three, chain_pairs(3, false), {1, 1, 1}, {}) +
                                  0.5 * three('y', 0) - three('y', 1) + 0.25 * three('y', 2)),
            rounding);
}

TEST(Models, random_fields_do_not_depend_on_size_or_other_axes) {
  const auto field = [](int n, const std::string& axes, int site, const std::string& op) {
    const Model m =
        make_model("mbl", {.sites = n, .params = {{"axes", axes}, {"j", "0"}, {"seed", "3"}}});
    for (const auto& term : m.op.terms())
      if (term.factors == std::vector<OpFactor>{{op, site}}) return term.coefficient.real();
    return std::nan("");
  };

  EXPECT_EQ(field(4, "z", 3, "Sz"), field(9, "xyz", 3, "Sz"));
  EXPECT_NE(field(4, "xz", 3, "Sz"), field(4, "xz", 3, "Sx"));
  EXPECT_LE(std::abs(field(4, "z", 0, "Sz")), 1);
}

TEST(Models, real_models_are_real_and_all_are_hermitian) {
  for (const auto& info : models()) {
    SCOPED_TRACE(info.name);
    ModelOptions options;
    const auto& first = info.lattices.front();
    if (first == "chain" || first == "star")
      options.sites = 6;
    else
      options.size = {2, 3};
    const Model model = make_model(info.name, options);
    EXPECT_TRUE(model.op.is_hermitian());
    EXPECT_EQ(model.op.is_real(), info.name != "syk" && info.name != "dm");
    EXPECT_FALSE(model.op.terms().empty());
  }
  EXPECT_FALSE(make_model("heisenberg", {.sites = 3, .params = {{"by", "1"}}}).op.is_real());
}

TEST(Models, bad_requests_are_refused_with_the_remedy) {
  const auto make = [](const char* name, ModelOptions options) { (void)make_model(name, options); };

  EXPECT_ERROR(make("heisenbreg", {.sites = 4}), InvalidArgument, "did you mean heisenberg");
  EXPECT_ERROR(make("ising", {.sites = 4, .params = {{"jx", "1"}}}), InvalidArgument,
               "unknown parameter 'jx'");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .params = {{"j", "1"}, {"jx", "1"}}}),
               InvalidArgument, "given twice");
  EXPECT_ERROR(make("xxz", {.sites = 4, .params = {{"b", "1"}, {"bz", "1"}}}), InvalidArgument,
               "given twice");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .params = {{"j", "nan"}}}), InvalidArgument,
               "finite number");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .params = {{"j", "inf"}}}), InvalidArgument,
               "finite number");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .params = {{"j", "1x"}}}), InvalidArgument,
               "finite number");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .params = {{"j", ""}}}), InvalidArgument,
               "finite number");
  EXPECT_ERROR(make("heisenberg", {.sites = 0}), InvalidArgument, "at least 1, got 0");
  EXPECT_ERROR(make("heisenberg", {.sites = -3}), InvalidArgument, "at least 1, got -3");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .spin = "1/3"}), InvalidArgument, "multiple of 1/2");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .spin = "0"}), InvalidArgument, "spin must be");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .spin = "nan"}), InvalidArgument, "multiple of 1/2");
  EXPECT_ERROR(make("heisenberg", {.sites = 5, .size = {2, 2}}), InvalidArgument,
               "has 4 sites, not 5");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .cyclic = Cyclic::y}), InvalidArgument,
               "cyclic along y");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .lattice = "squre"}), InvalidArgument,
               "did you mean square");
  EXPECT_ERROR(make("mbl", {.sites = 3, .params = {{"dist", "flat"}}}), InvalidArgument,
               "uniform, gauss");
  EXPECT_ERROR(make("mbl", {.sites = 3, .params = {{"axes", "zw"}}}), InvalidArgument, "'zw'");
  EXPECT_ERROR(make("mbl", {.sites = 3, .params = {{"seed", "-1"}}}), InvalidArgument,
               "integer from 0");
  EXPECT_ERROR(make("mbl", {.sites = 3, .params = {{"h", "1,2"}}}), InvalidArgument, "3 numbers");
  EXPECT_ERROR(make("mbl", {.sites = 3, .params = {{"h", "1,2,3"}, {"dh", "2"}}}), InvalidArgument,
               "give one of them");
  EXPECT_ERROR(make("mbl", {.sites = 3, .params = {{"beta", "0.5"}}}), InvalidArgument,
               "quasiperiodic");
}

}  // namespace
}  // namespace kronsolve
