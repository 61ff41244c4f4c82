#pragma once

#include <string>
#include <vector>

namespace kronsolve::cli {

/// Cells of equal width in each column, right-aligned, numbers with their points under each other.
/// On a terminal, columns that do not fit beside the others follow below, behind the first one
/// again.
class Table {
 public:
  void column(std::string name, std::vector<std::string> cells);
  std::string text() const;

 private:
  std::string rows(std::size_t begin, std::size_t end) const;
  std::vector<std::vector<std::string>> columns_;
};

}  // namespace kronsolve::cli
