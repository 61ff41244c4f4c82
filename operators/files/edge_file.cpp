#include <algorithm>
#include <optional>
#include <sstream>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/lattice.hpp>

#include "operators/files/line_reader.hpp"

namespace kronsolve {

namespace {

std::vector<std::pair<int, int>> parse_edges(const std::string& path, const std::string& text) {
  std::vector<std::pair<int, int>> edges;
  std::istringstream lines{std::string(detail::without_mark(text))};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::vector<std::optional<int>> sites;
    for (std::string word; words >> word;) sites.push_back(read_number<int>(word));
    if (sites.empty()) continue;
    constexpr int most = 1 << 20;  // far above what a lattice may have
    const bool good = sites.size() == 2 &&
                      std::all_of(sites.begin(), sites.end(),
                                  [](auto site) { return site && *site >= 0 && *site <= most; }) &&
                      sites[0] != sites[1];
    if (!good)
      throw InvalidArgument(detail::concat(path, ":", number,
                                           ": an edge is two different site numbers from 0 to ",
                                           most, ", got '", line, "'"));
    edges.emplace_back(*sites[0], *sites[1]);
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
