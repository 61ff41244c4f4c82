// error: a lambda must not capture anything
// A capture would have to travel with the lambda, which C++ cannot do.
#include <kronsolve/session.hpp>

int main() {
  kronsolve::Session session;
  const double x = 2;
#ifdef KRONSOLVE_CONTROL
  return session.pool().submit([](double y) { return y > 1 ? 0 : 1; }, x).get();
#else
  return session.pool().submit([x] { return x > 1 ? 0 : 1; }).get();
#endif
}
