// A Julia set, one row of the picture per element of a map, written as a PGM file.
//
//   ./julia_set julia.pgm
//
// prints
//   julia.pgm: 400 x 300, mean level 36.1

#include <algorithm>
#include <complex>
#include <cstdio>
#include <ranges>
#include <vector>

#include <kronsolve/session.hpp>

int main(int argc, char** argv) {
  kronsolve::Session session;
  constexpr int width = 400, height = 300;
  const char* path = argc > 1 ? argv[1] : "julia.pgm";

  const auto rows =
      session.pool()
          .map(
              {.chunk_size = 10},
              [](int y) {
                std::vector<unsigned char> row(width);
                for (int x = 0; x < width; ++x) {
                  std::complex<double> z(3.0 * x / width - 1.5, 2.0 * y / height - 1.0);
                  int steps = 0;
                  while (steps < 255 && std::norm(z) < 4) {
                    z = z * z + std::complex<double>(-0.8, 0.156);
                    ++steps;
                  }
                  row[static_cast<std::size_t>(x)] = static_cast<unsigned char>(steps);
                }
                return row;
              },
              std::views::iota(0, height))
          .get();

  if (!session.is_root()) return 0;
  std::FILE* file = std::fopen(path, "wb");
  if (file == nullptr) {
    std::perror(path);
    return 5;
  }
  std::fprintf(file, "P5\n%d %d\n255\n", width, height);
  double sum = 0;
  bool written = true;
  for (const auto& row : rows) {
    written = std::fwrite(row.data(), 1, row.size(), file) == row.size() && written;
    for (const auto level : row) sum += level;
  }
  if (std::fclose(file) != 0 || !written) {
    std::perror(path);
    return 5;
  }
  std::printf("%s: %d x %d, mean level %.1f\n", path, width, height, sum / (width * height));
  return 0;
}
