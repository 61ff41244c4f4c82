#include "cli/table.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

/// Numbers with their points under each other; pairs of numbers as they are.
void align(std::vector<std::string>& cells) {
  const auto point = [](const std::string& cell) {
    return std::min(cell.find_first_of(".e"), cell.size());
  };
  std::size_t before = 0, behind = 0;
  for (const auto& cell : cells) {
    if (cell.starts_with('(')) return;
    before = std::max(before, point(cell));
    behind = std::max(behind, cell.size() - point(cell));
  }
  for (auto& cell : cells)
    cell = fmt::format("{:<{}}", std::string(before - point(cell), ' ') + cell, before + behind);
}

}  // namespace

void Table::column(std::string name, std::vector<std::string> cells) {
  align(cells);
  std::size_t width = name.size();
  for (const auto& cell : cells) width = std::max(width, cell.size());
  cells.insert(cells.begin(), std::move(name));
  for (auto& cell : cells) cell = fmt::format("{:>{}}", cell, width);
  columns_.push_back(std::move(cells));
}

std::string Table::text() const {
  const std::size_t most = terminal_columns(STDOUT_FILENO);
  std::string text;
  for (std::size_t begin = 1, end = 1; begin == 1 || begin < columns_.size(); begin = end) {
    std::size_t width = columns_.front().front().size();
    for (end = begin; end < columns_.size(); ++end) {
      width += 2 + columns_[end].front().size();
      if (most > 0 && width > most && end > begin) break;
    }
    text += (begin == 1 ? "" : "\n") + rows(begin, end);
    if (end == begin) break;
  }
  return text;
}

/// The first column and those from begin to end.
std::string Table::rows(std::size_t begin, std::size_t end) const {
  std::string text;
  for (std::size_t i = 0; i < columns_.front().size(); ++i) {
    text += columns_.front()[i];
    for (std::size_t j = begin; j < end; ++j) text += "  " + columns_[j][i];
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  return text;
}

}  // namespace kronsolve::cli
