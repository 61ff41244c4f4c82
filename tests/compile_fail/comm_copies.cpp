// error: use of deleted function
// A communicator is a handle: a copy would be a hidden collective call.
#include <kronsolve/core/comm.hpp>

int main() {
  kronsolve::Comm comm;
#ifdef KRONSOLVE_CONTROL
  kronsolve::Comm other = comm.duplicate();
#else
  kronsolve::Comm other = comm;
#endif
  return other.rank();
}
