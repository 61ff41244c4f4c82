#include "operators/bases/least_states.hpp"

#include <algorithm>
#include <limits>

namespace kronsolve::detail {

LeastStates::LeastStates(const SymmetryGroup& group, const DigitPaths& paths)
    : code_(group.spaces()), sites_(code_.sites()), empty_(paths.size() == 0) {
  for (int site = 0; site < sites_; ++site) {
    dims_.push_back(code_.dim(site));
    auto& digits = flipped_.emplace_back();
    for (int digit = 0; digit < dims_.back(); ++digit)
      digits.push_back(flipped_digit(group.spaces()[static_cast<std::size_t>(site)], digit));
    first_node_.push_back(next_.size());
    for (int node = 0; node < paths.nodes(site); ++node)
      for (int digit = 0; digit < dims_.back(); ++digit)
        next_.push_back(paths.next(site, node, digit));
  }
  beginning_.resize(static_cast<std::size_t>(sites_) + 1);
  // The identity comes first and never differs.
  for (std::size_t e = 1; e < group.elements().size(); ++e) {
    const auto& element = group.elements()[e];
    const auto begin = comparisons_.size();
    comparisons_.resize(begin + static_cast<std::size_t>(sites_) + 1,
                        {0, std::numeric_limits<std::uint16_t>::max()});
    for (int site = 0; site < sites_; ++site) {
      const int position = element.image[static_cast<std::size_t>(site)];
      comparisons_[begin + static_cast<std::size_t>(position)] = {
          static_cast<std::uint16_t>(site),
          static_cast<std::uint16_t>(std::max(site, position) + 1)};
    }
    flips_.push_back(element.flip == SpinFlip::yes ? 1 : 0);
    beginning_[comparisons_[begin].known].push_back(static_cast<std::uint32_t>(e - 1));
  }
}

std::vector<LeastStates::Prefix> LeastStates::prefixes(std::size_t wanted) const {
  std::vector<Prefix> found = {{}};
  for (int sites = 1; sites <= sites_ && found.size() < wanted; ++sites) {
    found.clear();
    Walk walk(*this);
    walk.each_prefix(sites, [&](state_t first) { found.push_back({first, sites}); });
  }
  return found;
}

LeastStates::Walk::Walk(const LeastStates& tree)
    : tree_(&tree),
      next_(at(tree.sites_) + 1),
      nodes_(next_.size()),
      firsts_(next_.size()),
      ties_(next_.size() * tree.flips_.size()),
      tie_counts_(next_.size()) {
  for (auto& digits : digits_) digits.resize(at(tree.sites_));
}

bool LeastStates::Walk::enter(const Prefix& prefix) {
  if (tree_->empty_) return false;
  for (int site = 0; site < prefix.sites; ++site)
    if (!extend(site, tree_->code_.digit(prefix.first, site))) return false;
  return true;
}

bool LeastStates::Walk::keep(Tie tie, int sites, Tie*& after) const {
  const Comparison* const steps = tree_->comparisons(tie.element);
  const int* const image = digits_[tree_->flips_[tie.element]].data();
  const int* const own = digits_[0].data();
  for (auto position = tie.position;; ++position) {
    if (steps[position].known > sites) {
      *after++ = {tie.element, position};
      return true;
    }
    const int digit = image[steps[position].source];
    if (digit != own[position]) return digit > own[position];
  }
}

bool LeastStates::Walk::extend(int sites, int digit) {
  const int node = tree_->next(sites, nodes_[at(sites)], digit);
  if (node < 0) return false;
  digits_[0][at(sites)] = digit;
  digits_[1][at(sites)] = tree_->flipped_[at(sites)][static_cast<std::size_t>(digit)];
  const std::size_t elements = tree_->flips_.size();
  const Tie* const before = ties_.data() + at(sites) * elements;
  Tie* const begin = ties_.data() + at(sites + 1) * elements;
  Tie* after = begin;
  for (const std::uint32_t element : tree_->beginning_[at(sites + 1)])
    if (!keep({element, 0}, sites + 1, after)) return false;
  for (std::size_t t = 0; t < tie_counts_[at(sites)]; ++t)
    if (!keep(before[t], sites + 1, after)) return false;
  tie_counts_[at(sites + 1)] = static_cast<std::size_t>(after - begin);
  nodes_[at(sites + 1)] = node;
  firsts_[at(sites + 1)] =
      firsts_[at(sites)] + static_cast<state_t>(digit) * tree_->code_.stride(sites);
  return true;
}

}  // namespace kronsolve::detail
