#include "operators/bases/group_action.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

namespace {
constexpr name_t most_chunk_states = 256;
}

bool have_names(const DigitCode& code) {
  return code.largest() <= std::numeric_limits<name_t>::max();
}

void require_names(const DigitCode& code) {
  if (!have_names(code))
    throw InvalidArgument(
        concat("symmetries need configurations of at most 64 bits, those of these ", code.sites(),
               " sites take more; leave the symmetries out, charges and local rules may stay"));
}

GroupAction::GroupAction(const SymmetryGroup& group)
    : code_(group.spaces()), spaces_(group.spaces()), phases_(group.phases()) {
  require_names(code_);
  largest_ = static_cast<name_t>(code_.largest());
  bitwise_ = true;
  bool all_spins = true, fermions = false;
  for (int site = 0; site < code_.sites(); ++site) {
    const auto& space = spaces_[static_cast<std::size_t>(site)];
    all_spins = all_spins && space.kind() == LocalSpace::Kind::spin;
    fermions = fermions || space.is_fermionic();
    if (space.has_electrons()) electron_sites_ |= std::uint64_t{1} << site;
    bitwise_ = bitwise_ && std::has_single_bit(static_cast<unsigned>(space.dim()));
  }
  for (int site = code_.sites(); site-- > 0;) {
    const auto dim = static_cast<name_t>(code_.dim(site));
    if (chunks_.empty() || chunks_.back().size * dim > most_chunk_states)
      chunks_.push_back({static_cast<name_t>(code_.stride(site)), 1, site + 1, site + 1});
    chunks_.back().size *= dim;
    chunks_.back().begin = site;
  }
  KRONSOLVE_ASSERT(chunks_.size() <= most_chunks);
  for (const auto& chunk : chunks_) {
    chunk_entries_ = std::max(chunk_entries_, static_cast<std::size_t>(chunk.size));
    chunk_shifts_.push_back(std::countr_zero(chunk.stride));
  }

  phases_of_.reserve(group.elements().size());
  for (const auto& element : group.elements()) phases_of_.push_back(element.phase);
  const auto tabled = make_members(group, all_spins);
  add_tables(tabled);
  member_bits_.resize((padded_ + 63) / 64);
  for (std::size_t m = 0; m < members_.size(); ++m)
    member_bits_[m / 64] |= std::uint64_t{1} << m % 64;
  trivial_ = !fermions && std::all_of(phases_of_.begin(), phases_of_.end(),
                                      [](int phase) { return phase == 0; });
  if (!fermions) return;
  for (const auto& element : group.elements()) {
    Sign sign{std::vector<std::uint64_t>(spaces_.size(), 0), {}, element.flip == SpinFlip::yes};
    for (std::size_t j = 0; j < spaces_.size(); ++j) {
      for (std::size_t i = 0; i < spaces_.size(); ++i)
        if (element.image[i] > element.image[j]) sign.behind[j] |= std::uint64_t{1} << i;
      sign.overtaken.push_back(sign.behind[j] & ((std::uint64_t{1} << j) - 1));
    }
    signs_.push_back(std::move(sign));
  }
  occupied_.resize(chunks_.size() * chunk_entries_);
  for (std::size_t k = 0; k < chunks_.size(); ++k)
    for (std::size_t value = 0; value < chunks_[k].size; ++value) {
      auto& taken = occupied_[k * chunk_entries_ + value];
      for (int site = chunks_[k].begin; site < chunks_[k].end; ++site) {
        if (!spaces_[static_cast<std::size_t>(site)].is_fermionic()) continue;
        const int digit = code_.digit(value * chunks_[k].stride, site);
        taken.up |= static_cast<std::uint64_t>(digit & 1) << site;
        taken.down |= static_cast<std::uint64_t>(digit >> 1) << site;
      }
    }
}

/// Pairs elements that differ by the flip of all spins. Returns what the tables hold.
std::vector<SymmetryGroup::Element> GroupAction::make_members(const SymmetryGroup& group,
                                                              bool all_spins) {
  std::map<SitePermutation, Member> by_image;
  if (all_spins)
    for (int e = 0; e < group.order(); ++e) {
      const auto& element = group.elements()[static_cast<std::size_t>(e)];
      auto& member = by_image[element.image];
      (element.flip == SpinFlip::yes ? member.flipped : member.element) = e;
    }
  paired_ = all_spins && 2 * by_image.size() == group.elements().size();
  std::vector<SymmetryGroup::Element> tabled;
  for (int e = 0; e < group.order(); ++e) {
    const auto& element = group.elements()[static_cast<std::size_t>(e)];
    if (paired_ && element.flip == SpinFlip::yes) continue;
    members_.push_back({e, paired_ ? by_image.at(element.image).flipped : -1});
    tabled.push_back(element);
  }
  tabled_.resize(group.elements().size());
  for (int m = 0; m < std::ssize(members_); ++m) {
    const Member& member = members_[static_cast<std::size_t>(m)];
    tabled_[static_cast<std::size_t>(member.element)] = {m, false};
    if (member.flipped >= 0) tabled_[static_cast<std::size_t>(member.flipped)] = {m, true};
  }
  return tabled;
}

void GroupAction::add_tables(const std::vector<SymmetryGroup::Element>& elements) {
  const bool narrow = largest_ <= std::numeric_limits<std::uint32_t>::max();
  constexpr std::size_t block = image_block;
  padded_ = (elements.size() + block - 1) / block * block;
  const std::size_t entries = padded_ * chunks_.size() * chunk_entries_;
  (narrow ? narrow_.resize(entries) : wide_.resize(entries));
  std::size_t at = 0;
  for (const auto& chunk : chunks_)
    for (std::size_t value = 0; value < chunk_entries_; ++value)
      for (std::size_t m = 0; m < padded_; ++m, ++at) {
        if (value >= chunk.size) continue;
        const name_t image = chunk_image(elements[m < elements.size() ? m : 0], chunk, value);
        if (narrow)
          narrow_[at] = static_cast<std::uint32_t>(image);
        else
          wide_[at] = image;
      }
}

/// What the digits of one chunk add to the image of a state.
name_t GroupAction::chunk_image(const SymmetryGroup::Element& element, const Chunk& chunk,
                                name_t value) const {
  name_t image = 0;
  for (int site = chunk.end; site-- > chunk.begin;) {
    const auto dim = static_cast<name_t>(code_.dim(site));
    int digit = static_cast<int>(value % dim);
    value /= dim;
    if (element.flip == SpinFlip::yes)
      digit = flipped_digit(spaces_[static_cast<std::size_t>(site)], digit);
    image += static_cast<name_t>(digit) *
             static_cast<name_t>(code_.stride(element.image[static_cast<std::size_t>(site)]));
  }
  return image;
}

std::size_t GroupAction::chunk_value(std::size_t chunk, name_t state) const noexcept {
  return static_cast<std::size_t>(bitwise_
                                      ? state >> chunk_shifts_[chunk] & (chunks_[chunk].size - 1)
                                      : state / chunks_[chunk].stride % chunks_[chunk].size);
}

template <class Word>
GroupAction::Rows<Word> GroupAction::rows(const std::vector<Word>& tables,
                                          name_t state) const noexcept {
  Rows<Word> rows;
  for (std::size_t k = 0; k < chunks_.size(); ++k)
    rows[k] = tables.data() + (k * chunk_entries_ + chunk_value(k, state)) * padded_;
  return rows;
}

template <class F>
auto GroupAction::dispatch(F&& f) const {
  return narrow_.empty() ? f(wide_, kernels_->wide) : f(narrow_, kernels_->narrow);
}

GroupAction::Occupied GroupAction::occupied(name_t state) const noexcept {
  Occupied taken;
  if (signs_.empty()) return taken;
  for (std::size_t k = 0; k < chunks_.size(); ++k) {
    const auto& some = occupied_[k * chunk_entries_ + chunk_value(k, state)];
    taken.up |= some.up;
    taken.down |= some.down;
  }
  return taken;
}

int GroupAction::phase(int element, const Occupied& taken) const noexcept {
  const int phase = phases_of_[static_cast<std::size_t>(element)];
  if (signs_.empty() || !odd_exchanges(signs_[static_cast<std::size_t>(element)], taken))
    return phase;
  return (phase + phases_ / 2) % phases_;
}

/// Neighbouring operators to exchange until the images of the occupied modes stand in order: up and
/// spinless ones by site, then down ones by site.
bool GroupAction::odd_exchanges(const Sign& sign, const Occupied& taken) const noexcept {
  // The sizes of these sets add up to the number of exchanges, whose parity is that of the bits that
  // an odd number of them has.
  std::uint64_t sum = 0;
  const auto for_each = [](std::uint64_t sites, auto&& f) {
    for (; sites != 0; sites &= sites - 1) f(static_cast<std::size_t>(std::countr_zero(sites)));
  };
  const auto [up, down] = taken;
  if (!sign.flips) {
    for_each(up, [&](std::size_t j) { sum ^= up & sign.overtaken[j]; });
    for_each(down, [&](std::size_t j) { sum ^= down & sign.overtaken[j]; });
    return std::popcount(sum) % 2 != 0;
  }
  // Spins change places: up electrons leave the list that they share with the spinless ones, down
  // electrons enter it.
  const std::uint64_t spinless = up & ~electron_sites_, electrons = up & electron_sites_;
  for_each(electrons, [&](std::size_t j) { sum ^= electrons & sign.overtaken[j]; });
  for_each(spinless, [&](std::size_t j) {
    sum ^= spinless & sign.overtaken[j];
    sum ^= electrons & ((std::uint64_t{1} << j) - 1);
  });
  for_each(down, [&](std::size_t j) {
    sum ^= down & sign.overtaken[j];
    sum ^= spinless & sign.behind[j];
  });
  return (std::popcount(sum) + std::popcount(electrons) * std::popcount(down)) % 2 != 0;
}

template <class Word>
GroupAction::Found GroupAction::find_in(const Rows<Word>& rows, const ImageLoops<Word>& loops,
                                        name_t state) const {
  constexpr std::size_t most_on_stack = 512, word_bits = 64;
  const auto count = static_cast<std::int64_t>(padded_);
  // First all images and the least of them, without a branch; then which elements lead there.
  Word few[most_on_stack];
  std::uint64_t few_bits[2 * most_on_stack / word_bits];
  std::vector<Word> many(padded_ > most_on_stack ? padded_ : 0);
  const std::size_t words = member_bits_.size();
  std::vector<std::uint64_t> many_bits(many.empty() ? 0 : 2 * words);
  Word* const to = many.empty() ? few : many.data();
  std::uint64_t* const direct = many.empty() ? few_bits : many_bits.data();
  std::uint64_t* const mirrored = direct + words;
  Word best = 0, most = 0;
  loops.images(rows.data(), static_cast<int>(chunks_.size()), count, to, &best, &most);
  const auto largest = static_cast<Word>(largest_);
  if (paired_) best = std::min(best, static_cast<Word>(largest - most));
  loops.equal(to, count, best, static_cast<Word>(largest - best), direct, mirrored);
  Found found;
  found.representative = best;
  found.stabiliser = 0;
  for (std::size_t w = 0; w < words; ++w) {
    direct[w] &= member_bits_[w];
    mirrored[w] &= paired_ ? member_bits_[w] : 0;
    found.stabiliser += std::popcount(direct[w]) + std::popcount(mirrored[w]);
  }
  if (trivial_) return found;
  const Occupied taken = occupied(state);
  bool led = false;  // by an element, whose phase the others must have
  const auto count_element = [&](int element) {
    const int phase = this->phase(element, taken);
    if (led && phase != found.phase) found.vanishes = true;
    found.phase = phase;
    led = true;
  };
  for (std::size_t w = 0; w < words; ++w)
    for (std::uint64_t both = direct[w] | mirrored[w]; both != 0; both &= both - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(both));
      const Member& member = members_[w * word_bits + bit];
      if (direct[w] >> bit & 1) count_element(member.element);
      if (mirrored[w] >> bit & 1) count_element(member.flipped);
    }
  return found;
}

template <class Word>
bool GroupAction::carries_in(const std::vector<Word>& tables, const ImageLoops<Word>& loops,
                             name_t state) const {
  // Most states are not the least, and one of the first images shows it.
  const Word low = static_cast<Word>(state);
  const Word high = static_cast<Word>(paired_ ? largest_ - state : ~name_t{0});
  const auto parts = rows(tables, state);
  if (loops.any_outside(parts.data(), static_cast<int>(chunks_.size()),
                        static_cast<std::int64_t>(padded_), low, high))
    return false;
  const Found found = find_in(parts, loops, state);
  return found.representative == state && !found.vanishes;
}

GroupAction::Found GroupAction::find(name_t state) const {
  return dispatch([&](const auto& tables, const auto& loops) {
    return find_in(rows(tables, state), loops, state);
  });
}

GroupAction::Steps GroupAction::steps(std::span<const std::pair<state_t, state_t>> ends) const {
  Steps result;
  const auto add = [&]<class Word>(const std::vector<Word>& tables, std::vector<Word>& to) {
    for (const auto& [before, after] : ends) {
      const auto from = rows(tables, static_cast<name_t>(before)),
                 until = rows(tables, static_cast<name_t>(after));
      for (std::size_t m = 0; m < padded_; ++m) {
        Word change = 0;
        for (std::size_t k = 0; k < chunks_.size(); ++k)
          change += static_cast<Word>(until[k][m] - from[k][m]);
        to.push_back(change);
      }
    }
  };
  narrow_.empty() ? add(wide_, result.wide) : add(narrow_, result.narrow);
  return result;
}

GroupAction::Neighbours::Neighbours(const GroupAction& action, const Steps& steps)
    : action_(&action), steps_(&steps) {
  if (action.narrow_.empty())
    wide_.images.resize(action.padded_);
  else
    narrow_.images.resize(action.padded_);
}

void GroupAction::Neighbours::enter(name_t state) {
  const auto make = [&]<class Word>(const std::vector<Word>& tables, const ImageLoops<Word>& loops,
                                    Scratch<Word>& scratch) {
    Word least, most;
    loops.images(action_->rows(tables, state).data(), static_cast<int>(action_->chunks_.size()),
                 static_cast<std::int64_t>(action_->padded_), scratch.images.data(), &least, &most);
  };
  if (action_->narrow_.empty())
    make(action_->wide_, action_->kernels_->wide, wide_);
  else
    make(action_->narrow_, action_->kernels_->narrow, narrow_);
}

template <class Word>
void GroupAction::Neighbours::find_in(const ImageLoops<Word>& loops,
                                      const std::vector<Word>& tables, Scratch<Word>& scratch,
                                      std::span<const int> steps, const name_t* to,
                                      name_t* representatives, int* phases) {
  const std::size_t n = steps.size();
  const auto count = static_cast<std::int64_t>(action_->padded_);
  if (scratch.least.size() < n + beside) {
    scratch.least.resize(n + beside);
    scratch.most.resize(n + beside);
    members_.resize(n);
  }
  const auto largest = static_cast<Word>(action_->largest_);
  Word* const least = scratch.least.data();
  loops.least_beside(scratch.images.data(), count, tables.data(), steps.data(),
                     static_cast<std::int64_t>(n), least,
                     action_->paired_ ? scratch.most.data() : nullptr);
  if (action_->paired_)
    for (std::size_t i = 0; i < n; ++i)
      least[i] = std::min(least[i], static_cast<Word>(largest - scratch.most[i]));
  std::copy_n(least, n, representatives);
  if (action_->trivial_) {
    std::fill_n(phases, n, 0);
    return;
  }
  loops.leading(scratch.images.data(), count, tables.data(), steps.data(),
                static_cast<std::int64_t>(n), least, action_->paired_ ? largest : Word{0},
                members_.data());
  for (std::size_t i = 0; i < n; ++i) {
    const bool flipped = members_[i] >= count;
    const Member& member =
        action_->members_[static_cast<std::size_t>(members_[i] - (flipped ? count : 0))];
    phases[i] = action_->phase(flipped ? member.flipped : member.element, action_->occupied(to[i]));
  }
}

void GroupAction::Neighbours::find(std::span<const int> steps, const name_t* to,
                                   name_t* representatives, int* phases) {
  if (steps.empty()) return;
  if (action_->narrow_.empty())
    find_in(action_->kernels_->wide, steps_->wide, wide_, steps, to, representatives, phases);
  else
    find_in(action_->kernels_->narrow, steps_->narrow, narrow_, steps, to, representatives, phases);
}

bool GroupAction::carries(name_t state) const {
  return dispatch(
      [&](const auto& tables, const auto& loops) { return carries_in(tables, loops, state); });
}

std::vector<std::pair<name_t, int>> GroupAction::images_of(name_t state) const {
  std::vector<std::pair<name_t, int>> result;
  const auto add = [&](const auto& tables) {
    const auto parts = rows(tables, state);
    const Occupied taken = occupied(state);
    for (std::size_t m = 0; m < members_.size(); ++m) {
      name_t to = 0;
      for (std::size_t k = 0; k < chunks_.size(); ++k) to += parts[k][m];
      const Member& member = members_[m];
      result.emplace_back(to, phase(member.element, taken));
      if (member.flipped >= 0) result.emplace_back(largest_ - to, phase(member.flipped, taken));
    }
  };
  narrow_.empty() ? add(wide_) : add(narrow_);
  return result;
}

std::pair<name_t, int> GroupAction::image_of(int element, name_t state) const {
  const auto [member, flipped] = tabled_[static_cast<std::size_t>(element)];
  const auto sum = [&, at = static_cast<std::size_t>(member)](const auto& tables) {
    const auto parts = rows(tables, state);
    name_t to = 0;
    for (std::size_t k = 0; k < chunks_.size(); ++k) to += parts[k][at];
    return to;
  };
  const name_t to = narrow_.empty() ? sum(wide_) : sum(narrow_);
  return {flipped ? largest_ - to : to, phase(element, occupied(state))};
}

index_t GroupAction::memory_bytes() const noexcept {
  return static_cast<index_t>(narrow_.size() * sizeof(std::uint32_t) +
                              wide_.size() * sizeof(std::uint64_t));
}

}  // namespace kronsolve::detail
