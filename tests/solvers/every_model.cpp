// Our Lanczos solver on the Kronecker-block product against SLEPc on stored rows, for every model.

#include <algorithm>
#include <cmath>

#include <kronsolve/operators/models.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

/// Residuals of 1e-10 leave errors of their squares over the gap.
constexpr double same_energy = 1e-10;

/// The smallest instance that has everything the model has.
ModelOptions small_instance(const ModelInfo& info) {
  ModelOptions options;
  const auto& lattices = info.lattices;
  if (lattices.front() == "star") {
    options.sites = 5;
    return options;
  }
  options.cyclic = Cyclic::all;
  if (info.local.find(',') != std::string::npos) {
    options.sites = 6;
  } else if (info.name == "ionic-hubbard") {
    options.sites = 4;  // two sublattices
  } else if (std::find(lattices.begin(), lattices.end(), "chain") != lattices.end()) {
    options.sites = info.local.starts_with("spin") || info.local == "fermion" ? 9 : 5;
  } else if (info.name == "kagome") {
    options.size = {2, 2};
  } else {
    options.size = info.name == "ladder" ? std::vector{5, 2} : std::vector{3, 3};
  }
  return options;
}

TEST(EveryModel, has_the_energy_that_slepc_finds) {
  for (const ModelInfo& info : models()) {
    SCOPED_TRACE(info.name);
    const Model model = make_model(info.name, small_instance(info));

    const auto ours =
        eigh(world(), model.op, {.method = Method::lanczos, .form = OperatorForm::matrix_free});
    const auto theirs =
        eigh(world(), model.op, {.method = Method::slepc, .form = OperatorForm::assembled});

    EXPECT_TRUE(ours.converged) << ours.reason;
    EXPECT_EQ(ours.form, OperatorForm::matrix_free);
    EXPECT_NEAR(ours.eigenvalues.at(0), theirs.eigenvalues.at(0),
                same_energy * std::max(1.0, std::abs(theirs.eigenvalues.at(0))));
  }
}

}  // namespace
}  // namespace kronsolve
