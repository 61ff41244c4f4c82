// A pipeline of `then`: build a Hamiltonian, solve it, measure. Each step runs on a worker as soon
// as the one before it is done, and the vectors between them never come to the master.
//
//   ./pipeline     mpirun -n 3 ./pipeline
//
// prints
//   field 0.0  energy  -3.6510934089  magnetisation  0.0000000000
//   field 1.0  energy  -4.1284190638  magnetisation  1.0000000000
//   field 2.0  energy  -6.0000000000  magnetisation  4.0000000000

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/session.hpp>

namespace {

using namespace kronsolve;

OpSum build(double field) {
  return make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all, .params = {{"b", field}}}).op;
}

struct Ground {
  OpSum h;
  double energy = 0;
  std::vector<double> state;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(h, energy, state);
  }
};

Ground solve(const OpSum& h) {
  const auto result = eigh(Comm::serial(), h);
  const auto v = result.vectors_as<double>().column(0);
  return {h, result.eigenvalues.front(), {v.begin(), v.end()}};
}

std::pair<double, double> measure(const Ground& ground) {
  const Comm serial;
  const FullBasis basis(ground.h.spaces());
  const StateView psi(serial, basis, ground.state);
  double sum = 0;
  for (const auto& sz : site_profile(psi, "Sz")) sum += sz.real();
  return {ground.energy, sum};
}

}  // namespace

int main() {
  Session session;
  const std::vector<double> fields = {0.0, 1.0, 2.0};
  std::vector<Future<std::pair<double, double>>> results;
  for (const double field : fields)
    results.push_back(
        session.pool().submit(task<build>, field).then(task<solve>).then(task<measure>));
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto [energy, magnetisation] = results[i].get();
    if (session.is_root())
      std::printf("field %.1f  energy  %.10f  magnetisation  %.10f\n", fields[i], energy,
                  magnetisation);
  }
  return 0;
}
