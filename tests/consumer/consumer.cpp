// Uses the installed library as a stranger would, errors crossing the library's border included.
#include <cmath>
#include <cstdio>

#include <kronsolve/kronsolve.hpp>

int main() {
  using namespace kronsolve;
  try {
    (void)make_model("heisenburg", {.sites = 4});
    return 1;
  } catch (const InvalidArgument& error) {
    std::printf("%s\n", error.what());
  }
  const auto model = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  const auto result = eigh(Comm::serial(), model.op);
  std::printf("%.12f\n", result.eigenvalues.front());
  return std::abs(result.eigenvalues.front() + 3.6510934089371753) < 1e-10 ? 0 : 1;
}
