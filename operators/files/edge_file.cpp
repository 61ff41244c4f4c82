#include <sstream>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>
#include <kronsolve/operators/lattice.hpp>

namespace kronsolve {

namespace {

std::vector<std::pair<int, int>> parse_edges(const std::string& path, const std::string& text) {
  std::vector<std::pair<int, int>> edges;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    line.resize(std::min(line.size(), line.find('#')));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    std::istringstream words(line);
    int a = -1, b = -1;
    std::string rest;
    if (!(words >> a >> b) || a < 0 || b < 0 || words >> rest)
      throw InvalidArgument(detail::concat(
          path, ":", number, ": an edge is two site numbers counted from 0, got '", line, "'"));
    edges.emplace_back(a, b);
  }
  if (edges.empty())
    throw InvalidArgument(
        detail::concat(path, ": no edge in this file; give two site numbers a line"));
  return edges;
}

}  // namespace

std::vector<std::pair<int, int>> read_edges(const Comm& comm, const std::string& path) {
  std::string text;
  comm.agree([&] {
    if (comm.is_root()) text = read_text_file(path);
  });
  return parse_edges(path, comm.broadcast(std::move(text)));
}

}  // namespace kronsolve
