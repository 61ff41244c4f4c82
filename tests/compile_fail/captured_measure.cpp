// error: a lambda that captures nothing
// What is measured of a kept vector runs where it lives: in another process.
#include <kronsolve/session.hpp>

int main() {
  using namespace kronsolve;
  Session session;
  const auto solved = session.eigh(OpSum(2), {}, {.vectors = Gather::keep});
  const int sites = 2;
#ifdef KRONSOLVE_CONTROL
  return solved.kept[0].measure([](const auto& psi, int n) { return psi.basis().sites() - n; },
                                sites);
#else
  return solved.kept[0].measure([sites](const auto& psi) { return psi.basis().sites() - sites; });
#endif
}
