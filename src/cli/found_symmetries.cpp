#include "cli/found_symmetries.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/site_symmetries.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

namespace kronsolve::cli {

std::optional<index_t> respected_size(const OpSum& op, const Lattice& lattice,
                                      const std::vector<std::string>& conditions) {
  try {
    const auto sector = parse_sector(op.spaces(), lattice, conditions);
    require_respects(op, sector);
    const index_t size = sector_size(sector);
    return size > 0 ? std::optional(size) : std::nullopt;
  } catch (const InvalidArgument&) {  // the lattice has no such symmetry, or the operator breaks it
    return std::nullopt;
  }
}

namespace {

int order_of(const SitePermutation& image) {
  int order = 1;
  std::vector<bool> seen(image.size(), false);
  for (std::size_t first = 0; first < image.size(); ++first) {
    int length = 0;
    for (std::size_t at = first; !seen[at]; at = static_cast<std::size_t>(image[at])) {
      seen[at] = true;
      ++length;
    }
    if (length > 0) order = std::lcm(order, length);
  }
  return order;
}

/// First a, then b.
SitePermutation after(const SitePermutation& b, const SitePermutation& a) {
  SitePermutation product;
  for (const int i : a) product.push_back(b[static_cast<std::size_t>(i)]);
  return product;
}

std::string permutation_text(const SitePermutation& image) {
  std::string text;
  for (const int i : image) text += fmt::format("{}{}", text.empty() ? "" : ",", i);
  return "permutation=" + text;
}

/// Those that span a group of a size that can be gone through, its elements counted.
std::pair<std::vector<SitePermutation>, int> spanning(const OpSum& op) {
  constexpr int most = 2000;
  std::vector<SitePermutation> kept;
  std::vector<SymmetryGenerator> generators;
  int order = 1;
  auto found = site_symmetries(op);
  // The last ones leave the most sites where they are, and span the smaller groups.
  std::reverse(found.begin(), found.end());
  for (auto& image : found) {
    generators.push_back({permutation_text(image), image});
    try {
      const SymmetryGroup group(op.spaces(), generators);
      // One that the others make already says nothing new.
      if (group.order() > order && group.order() <= most) {
        order = group.order();
        kept.push_back(std::move(image));
        continue;
      }
    } catch (const InvalidArgument&) {  // more than 100000 elements
    }
    generators.pop_back();
  }
  return {std::move(kept), order};
}

std::vector<std::string> relations_of(const std::vector<SitePermutation>& images,
                                      const std::vector<FoundSymmetries::Generator>& named) {
  std::vector<std::string> relations;
  for (std::size_t i = 0; i < images.size(); ++i)
    for (std::size_t j = i + 1; j < images.size(); ++j) {
      const auto ij = after(images[i], images[j]), ji = after(images[j], images[i]);
      const auto &a = named[i].name, &b = named[j].name;
      relations.push_back(ij == ji ? fmt::format("{0}{1} = {1}{0}", a, b)
                                   : fmt::format("({}{})^{} = 1", a, b, order_of(ij)));
    }
  return relations;
}

}  // namespace

std::optional<FoundSymmetries> find_symmetries(const Problem& problem,
                                               const std::optional<SectorSuggestion>& charges,
                                               const std::optional<SectorSuggestion>& named) {
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr) return std::nullopt;
  FoundSymmetries found{.sector = charges ? *charges
                                          : SectorSuggestion{problem.sector, problem.dimension}};
  if (named)
    for (auto i = found.sector.conditions.size(); i < named->conditions.size(); ++i) {
      // The flip is no permutation, and goes with all of them.
      if (!named->conditions[i].starts_with("spinflip")) return std::nullopt;
      found.sector.conditions.push_back(named->conditions[i]);
    }
  const auto [images, order] = spanning(h->op);
  if (images.empty()) return std::nullopt;
  found.group = order;
  const auto beside = found.sector.conditions;
  for (std::size_t i = 0; i < images.size(); ++i) {
    FoundSymmetries::Generator next{.name = std::string(1, static_cast<char>('a' + i)),
                                    .condition = permutation_text(images[i]),
                                    .order = order_of(images[i])};
    auto conditions = beside;
    conditions.push_back(next.condition);
    next.dimension = respected_size(h->op, *problem.lattice, conditions).value_or(0);
    found.sector.conditions.push_back(next.condition);
    found.generators.push_back(std::move(next));
  }
  found.relations = relations_of(images, found.generators);
  const auto size = respected_size(h->op, *problem.lattice, found.sector.conditions);
  if (!size) return std::nullopt;  // the conditions asked for contradict them
  found.sector.dimension = *size;
  return found;
}

}  // namespace kronsolve::cli
