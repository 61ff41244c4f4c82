// A module that brings a callable of its own: loaded into the process that owns a pool, unknown to
// its workers.

#include <kronsolve/exec/pool.hpp>

extern "C" __attribute__((visibility("default"))) int triple_on_worker(kronsolve::Pool* pool,
                                                                       int x) {
  return pool->submit([](int y) { return 3 * y; }, x).get();
}
