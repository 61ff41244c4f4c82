#include <kronsolve/core/suggest.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

const std::vector<std::string> models = {"heisenberg", "ising", "xy", "xxz", "j1j2"};

TEST(Suggest, finds_misspelt_names) {
  EXPECT_EQ(closest("heisenburg", models), "heisenberg");
  EXPECT_EQ(closest("Ising", models), "ising");
  EXPECT_EQ(closest("isnig", models), "ising");
  EXPECT_EQ(closest("xzx", models), "xxz");
}

TEST(Suggest, is_silent_when_nothing_is_near) {
  EXPECT_EQ(closest("hubbard", models), "");
  EXPECT_EQ(unknown_name("model", "hubbard", models),
            "unknown model 'hubbard'; known are heisenberg, ising, xy, xxz, j1j2");
}

TEST(Suggest, text_lists_what_is_known) {
  EXPECT_EQ(unknown_name("model", "xyy", models),
            "unknown model 'xyy'; known are heisenberg, ising, xy, xxz, j1j2; did you mean xy?");
}

}  // namespace
}  // namespace kronsolve
