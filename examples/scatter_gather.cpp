// Data that stays with the workers: a vector is cut into one piece for each, worked on where it
// lies, and put together again.
//
//   ./scatter_gather     mpirun -n 4 ./scatter_gather
//
// prints
//   sum of squares 332833500
//   last three     994009 996004 998001

#include <cstdio>
#include <numeric>
#include <vector>

#include <kronsolve/session.hpp>

int main() {
  using namespace kronsolve;
  Session session;
  Pool& pool = session.pool();
  std::vector<long> numbers(1000);
  std::iota(numbers.begin(), numbers.end(), 0L);

  const auto pieces = pool.scatter(numbers);
  const auto sums = pool.broadcast(
      [](const Pool::Scattered<long>& mine) {
        long sum = 0;
        for (long& x : mine.local()) sum += x *= x;
        return sum;
      },
      pieces);
  const auto squares = pool.gather(pieces);

  if (session.is_root())
    std::printf("sum of squares %ld\nlast three     %ld %ld %ld\n",
                std::accumulate(sums.begin(), sums.end(), 0L), squares[997], squares[998],
                squares[999]);
  return 0;
}
