#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/lattice.hpp>

#include "operators/files/line_reader.hpp"

namespace kronsolve {

namespace {

/// A line's words as an edge; nothing if they are none.
std::optional<Bond> edge_of(const std::vector<std::string>& words) {
  constexpr int most = 1 << 20;  // far above what a lattice may have
  if (words.size() < 2 || words.size() > 4) return std::nullopt;
  const auto a = read_number<int>(words[0]), b = read_number<int>(words[1]);
  const auto kind = words.size() == 4 ? read_number<int>(words[2]) : 0;
  const auto weight = words.size() > 2 ? read_number<double>(words.back()) : 1;
  if (!a || !b || !kind || !weight || !std::isfinite(*weight)) return std::nullopt;
  if (std::min({*a, *b, *kind}) < 0 || std::max({*a, *b, *kind}) > most || *a == *b)
    return std::nullopt;
  return Bond{*a, *b, *kind, *weight};
}

std::vector<Bond> parse_edges(const std::string& path, const std::string& text) {
  std::vector<Bond> edges;
  std::istringstream lines{std::string(detail::without_mark(text))};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream in(line.substr(0, line.find('#')));
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty()) continue;
    const auto edge = edge_of(words);
    if (!edge)
      throw InvalidArgument(
          detail::concat(path, ":", number,
                         ": an edge is two different site numbers from 0, alone, with a weight "
                         "(0 1 0.5), or with a kind and a weight (0 1 2 0.5), got '",
                         line, "'"));
    edges.push_back(*edge);
  }
  if (edges.empty())
    throw InvalidArgument(
        detail::concat(path, ": no edge in this file; give two site numbers a line"));
  return edges;
}

}  // namespace

std::vector<Bond> read_edges(const Comm& comm, const std::string& path) {
  std::string text;
  comm.agree([&] {
    if (comm.is_root()) text = read_text_file(path);
  });
  return parse_edges(path, comm.broadcast(std::move(text)));
}

}  // namespace kronsolve
