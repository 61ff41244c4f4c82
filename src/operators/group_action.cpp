#include "operators/group_action.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

namespace {
constexpr state_t most_chunk_states = 256;
}

GroupAction::GroupAction(const SymmetryGroup& group)
    : code_(group.spaces()), spaces_(group.spaces()), phases_(group.phases()) {
  largest_ = 0;
  bitwise_ = true;
  bool all_spins = true, fermions = false;
  for (int site = 0; site < code_.sites(); ++site) {
    const auto& space = spaces_[static_cast<std::size_t>(site)];
    largest_ += static_cast<state_t>(space.dim() - 1) * code_.stride(site);
    all_spins = all_spins && space.kind() == LocalSpace::Kind::spin;
    fermions = fermions || space.is_fermionic();
    bitwise_ = bitwise_ && std::has_single_bit(static_cast<unsigned>(space.dim()));
  }
  for (int site = code_.sites(); site-- > 0;) {
    const auto dim = static_cast<state_t>(code_.dim(site));
    if (chunks_.empty() || chunks_.back().size * dim > most_chunk_states)
      chunks_.push_back({code_.stride(site), 1, site + 1, site + 1});
    chunks_.back().size *= dim;
    chunks_.back().begin = site;
  }
  KRONSOLVE_ASSERT(chunks_.size() <= most_chunks);
  for (const auto& chunk : chunks_) {
    chunk_entries_ = std::max(chunk_entries_, static_cast<std::size_t>(chunk.size));
    chunk_shifts_.push_back(std::countr_zero(chunk.stride));
  }

  std::map<SitePermutation, std::size_t> by_image;
  std::vector<SymmetryGroup::Element> tabled;
  for (int e = 0; e < group.order(); ++e) {
    const auto& element = group.elements()[static_cast<std::size_t>(e)];
    phases_of_.push_back(element.phase);
    if (!all_spins) {
      members_.push_back({e, -1});
      tabled.push_back(element);
      continue;
    }
    const auto [at, fresh] = by_image.try_emplace(element.image, members_.size());
    if (fresh) {
      members_.emplace_back();
      tabled.push_back({element.image, SpinFlip::no, 0});
    }
    auto& member = members_[at->second];
    (element.flip == SpinFlip::yes ? member.flipped : member.plain) = e;
  }
  add_tables(tabled);
  if (!fermions) return;
  for (const auto& element : group.elements()) {
    Sign sign{std::vector<std::uint64_t>(spaces_.size(), 0), element.flip == SpinFlip::yes};
    for (std::size_t j = 0; j < spaces_.size(); ++j)
      for (std::size_t i = 0; i < j; ++i)
        if (element.image[i] > element.image[j]) sign.overtaken[j] |= std::uint64_t{1} << i;
    signs_.push_back(std::move(sign));
  }
}

void GroupAction::add_tables(const std::vector<SymmetryGroup::Element>& elements) {
  const bool narrow = largest_ <= std::numeric_limits<std::uint32_t>::max();
  const std::size_t entries = elements.size() * chunks_.size() * chunk_entries_;
  (narrow ? narrow_.resize(entries) : wide_.resize(entries));
  std::size_t at = 0;
  for (const auto& element : elements) {
    for (const auto& chunk : chunks_) {
      for (std::size_t value = 0; value < chunk_entries_; ++value, ++at) {
        if (value >= chunk.size) continue;
        state_t rest = value, image = 0;
        for (int site = chunk.end; site-- > chunk.begin;) {
          const auto dim = static_cast<state_t>(code_.dim(site));
          const auto& space = spaces_[static_cast<std::size_t>(site)];
          int digit = static_cast<int>(rest % dim);
          rest /= dim;
          if (element.flip == SpinFlip::yes) digit = flipped_digit(space, digit);
          image += static_cast<state_t>(digit) *
                   code_.stride(element.image[static_cast<std::size_t>(site)]);
        }
        if (narrow)
          narrow_[at] = static_cast<std::uint32_t>(image);
        else
          wide_[at] = image;
      }
    }
  }
}

void GroupAction::split(state_t state, Values& values) const noexcept {
  for (std::size_t k = 0; k < chunks_.size(); ++k)
    values[k] = bitwise_
                    ? static_cast<std::uint32_t>(state >> chunk_shifts_[k] & (chunks_[k].size - 1))
                    : static_cast<std::uint32_t>(state / chunks_[k].stride % chunks_[k].size);
}

template <class Word>
state_t GroupAction::image(const Word* table, const Values& values) const noexcept {
  Word sum = 0;
  for (std::size_t k = 0; k < chunks_.size(); ++k, table += chunk_entries_) sum += table[values[k]];
  return sum;
}

int GroupAction::phase(int element, state_t state) const {
  int phase = phases_of_[static_cast<std::size_t>(element)];
  if (signs_.empty()) return phase;
  std::uint64_t up = 0, down = 0;
  for (int site = 0; site < code_.sites(); ++site) {
    if (!spaces_[static_cast<std::size_t>(site)].is_fermionic()) continue;
    const int digit = code_.digit(state, site);
    up |= static_cast<std::uint64_t>(digit & 1) << site;
    down |= static_cast<std::uint64_t>(digit >> 1) << site;
  }
  const Sign& sign = signs_[static_cast<std::size_t>(element)];
  int exchanges = 0;
  for (std::size_t j = 0; j < sign.overtaken.size(); ++j) {
    if (up >> j & 1) exchanges += std::popcount(up & sign.overtaken[j]);
    if (down >> j & 1) exchanges += std::popcount(down & sign.overtaken[j]);
  }
  // Exchanged species: the block of up operators moves past that of the down ones.
  if (sign.flips) exchanges += std::popcount(up) * std::popcount(down);
  return exchanges % 2 == 0 ? phase : (phase + phases_ / 2) % phases_;
}

template <class Word>
GroupAction::Found GroupAction::find_in(const std::vector<Word>& tables, state_t state) const {
  Values values;
  split(state, values);
  Found found;
  found.representative = ~state_t{0};
  int best = -1, best_phase = -1;
  const auto offer = [&](state_t candidate, int element) {
    if (candidate > found.representative) return;
    if (candidate < found.representative || best < 0) {
      found.representative = candidate;
      found.stabiliser = 1;
      found.vanishes = false;
      best = element;
      best_phase = -1;
      return;
    }
    ++found.stabiliser;
    if (best_phase < 0) best_phase = phase(best, state);
    if (phase(element, state) != best_phase) found.vanishes = true;
  };
  const std::size_t step = chunks_.size() * chunk_entries_;
  const Word* table = tables.data();
  for (const Member& member : members_) {
    const state_t to = image(table, values);
    table += step;
    if (member.plain >= 0) offer(to, member.plain);
    if (member.flipped >= 0) offer(largest_ - to, member.flipped);
  }
  found.phase = best_phase >= 0 ? best_phase : phase(best, state);
  return found;
}

template <class Word>
bool GroupAction::carries_in(const std::vector<Word>& tables, state_t state) const {
  Values values;
  split(state, values);
  bool vanishes = false;
  const auto smaller = [&](state_t candidate, int element) {
    if (candidate == state && !vanishes) vanishes = phase(element, state) != 0;
    return candidate < state;
  };
  const std::size_t step = chunks_.size() * chunk_entries_;
  const Word* table = tables.data();
  for (const Member& member : members_) {
    const state_t to = image(table, values);
    table += step;
    if (member.plain >= 0 && smaller(to, member.plain)) return false;
    if (member.flipped >= 0 && smaller(largest_ - to, member.flipped)) return false;
  }
  return !vanishes;
}

GroupAction::Found GroupAction::find(state_t state) const {
  return narrow_.empty() ? find_in(wide_, state) : find_in(narrow_, state);
}

bool GroupAction::carries(state_t state) const {
  return narrow_.empty() ? carries_in(wide_, state) : carries_in(narrow_, state);
}

index_t GroupAction::memory_bytes() const noexcept {
  return static_cast<index_t>(narrow_.size() * sizeof(std::uint32_t) +
                              wide_.size() * sizeof(std::uint64_t));
}

}  // namespace kronsolve::detail
