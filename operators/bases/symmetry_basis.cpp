#include <algorithm>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <cmath>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "core/counted.hpp"
#include "operators/bases/charge_totals.hpp"
#include "operators/bases/group_action.hpp"
#include "operators/bases/least_states.hpp"
#include "operators/bases/sorted_index.hpp"
#include "operators/bases/stabilisers.hpp"

namespace kronsolve {

namespace {

/// This process, for representatives that every rank knows without asking.
const Comm& alone() {
  static const Comm comm;
  return comm;
}

[[noreturn]] void throw_empty(const std::vector<std::string>& sector, int sites) {
  std::string text;
  for (const auto& condition : sector) text += (text.empty() ? "" : " ") + condition;
  throw InvalidArgument(
      detail::concat("sector ", text, " has no states on these ", detail::counted(sites, "site")));
}

}  // namespace

void require_compatible(const SymmetryGroup& group, const std::vector<Charge>& charges,
                        const std::vector<LocalRule>& rules) {
  for (const auto& g : group.generators()) {
    if (!keeps_rules(rules, group.spaces(), g.image, g.flip)) {
      std::string text;
      for (const auto& rule : rules) text += (text.empty() ? "" : ", ") + rule.text;
      throw InvalidArgument(detail::concat(
          "sector ", g.name, " does not go together with ", text,
          ": the symmetry leads to configurations that are not allowed; leave one of them out"));
    }
    if (g.flip == SpinFlip::no) continue;
    for (const auto& charge : charges) {
      const auto total = detail::flipped_total(group.spaces(), charges, charge);
      const int m = charge.rule.modulus;
      const int target = m > 0 ? ((charge.rule.target % m) + m) % m : charge.rule.target;
      if (total && *total == target) continue;
      throw InvalidArgument(detail::concat(
          "sector ", g.name, " does not go together with ", charge.text(), ": the flip leads to ",
          total ? charge.name + "=" + charge.value_text(*total) : "other values of " + charge.name,
          "; choose a sector that the flip maps on itself, such as sz=0 or nup = ndown"));
    }
  }
}

std::optional<MirrorRule> flip_mirror(const SymmetryGroup& group) {
  if (group.order() != 2 || group.elements()[1].flip == SpinFlip::no ||
      group.elements()[1].image != group.elements()[0].image)
    return std::nullopt;
  MirrorRule mirror;
  mirror.character = group.phase_value(group.elements()[1].phase).real() > 0 ? 1 : -1;
  bool electrons = false, spinless = false;
  for (const auto& space : group.spaces()) {
    electrons = electrons || space.has_electrons();
    spinless = spinless || (space.is_fermionic() && !space.has_electrons());
    auto& image = mirror.image.emplace_back();
    for (int digit = 0; digit < space.dim(); ++digit) image.push_back(flipped_digit(space, digit));
    // A pair on one site: c+up c+down becomes c+down c+up.
    mirror.sign.emplace_back(image.size(), 1);
    if (space.has_electrons() && space.dim() > 3) mirror.sign.back()[3] = -1;
  }
  if (electrons && spinless) return std::nullopt;
  return mirror;
}

SymmetryBasis::SymmetryBasis(const Comm& comm, SymmetryGroup group, std::vector<Charge> charges,
                             std::vector<std::string> sector, std::vector<LocalRule> rules)
    : Basis(group.spaces()),
      comm_(&comm),
      listed_(true),
      group_(std::move(group)),
      charges_(std::move(charges)),
      rules_(std::move(rules)),
      sector_(std::move(sector)),
      action_(std::make_unique<const detail::GroupAction>(group_)) {
  require_compatible(group_, charges_, rules_);
  const index_t size = symmetric_dimension(group_, charges_, rules_);
  if (size == 0) throw_empty(sector_, sites());
  partition_ = RowPartition(size, comm.size());
  require_memory(comm,
                 checked_multiply(partition_.max_local_rows(), listing_bytes, "bytes of the basis"),
                 "the symmetry sector");
  make_configurations();
  list_states();
  firsts_ = comm.all_gather(states_.empty() ? ~name_t{0} : states_.front());
  (void)narrow<std::uint32_t>(static_cast<index_t>(states_.size()), "representatives of one rank");
  positions_ = std::make_unique<const detail::SortedIndex>(states_);
  count_stabilisers();
}

SymmetryBasis::SymmetryBasis(SymmetryGroup group, std::vector<Charge> charges,
                             std::vector<std::string> sector, const MirrorRule& mirror,
                             std::vector<LocalRule> local)
    : Basis(group.spaces()),
      comm_(&alone()),
      listed_(false),
      group_(std::move(group)),
      charges_(std::move(charges)),
      rules_(std::move(local)),
      sector_(std::move(sector)),
      action_(std::make_unique<const detail::GroupAction>(group_)) {
  require_compatible(group_, charges_, rules_);
  std::vector<int> dims;
  for (const auto& space : spaces()) dims.push_back(space.dim());
  std::vector<AdditiveRule> rules;
  for (const auto& charge : charges_) rules.push_back(charge.rule);
  for (auto& total : united_totals(rules_)) rules.push_back(std::move(total));
  paths_ = DigitPaths(std::move(dims), rules, forbidden_digits(rules_), mirror);
  if (paths_.size() == 0) throw_empty(sector_, sites());
  KRONSOLVE_ASSERT(paths_.size() == symmetric_dimension(group_, charges_, rules_));
  index_ = PathIndex(paths_);
  partition_ = RowPartition(paths_.size(), 1);
  make_configurations();
}

void SymmetryBasis::make_configurations() {
  if (charges_.empty() && rules_.empty())
    configurations_ = std::make_unique<const FullBasis>(spaces());
  else
    configurations_ = std::make_unique<const ChargeBasis>(spaces(), charges_, rules_);
}

SymmetryBasis::~SymmetryBasis() = default;

void SymmetryBasis::list_states() {
  // Chunks of the list: what lies behind prefixes, dealt in turn.
  const detail::LeastStates tree(group_, *configurations_->paths());
  constexpr index_t states_each = 256, most_chunks = 16384;
  const auto prefixes = tree.prefixes(
      static_cast<std::size_t>(std::clamp<index_t>(size() / states_each, 1, most_chunks)));
  const auto chunks = static_cast<index_t>(prefixes.size());
  const int ranks = comm_->size(), me = comm_->rank();
  const index_t mine = (chunks - me + ranks - 1) / ranks;
  std::vector<std::vector<name_t>> found(static_cast<std::size_t>(std::max<index_t>(mine, 0)));
#pragma omp parallel num_threads(num_threads())
  {
    detail::LeastStates::Walk walk(tree);
#pragma omp for schedule(dynamic, 1)
    for (index_t c = 0; c < mine; ++c) {
      auto& list = found[static_cast<std::size_t>(c)];
      walk.each(prefixes[static_cast<std::size_t>(c * ranks + me)], [&](state_t s, bool stays) {
        const auto name = static_cast<name_t>(s);
        if (!stays || action_->carries(name)) list.push_back(name);
      });
    }
  }
  std::vector<index_t> counts(static_cast<std::size_t>(chunks), 0);
  for (index_t c = 0; c < mine; ++c)
    counts[static_cast<std::size_t>(c * ranks + me)] =
        static_cast<index_t>(found[static_cast<std::size_t>(c)].size());
  comm_->all_reduce(std::span(counts));

  // Every rank knows where every chunk goes; pieces arrive in the order of the chunks of their
  // sender.
  std::vector<std::vector<name_t>> send(static_cast<std::size_t>(ranks));
  struct Piece {
    std::size_t from;
    index_t at, count;
  };
  std::vector<Piece> pieces;
  index_t offset = 0;
  for (index_t c = 0; c < chunks; ++c) {
    const index_t count = counts[static_cast<std::size_t>(c)];
    const auto from = static_cast<std::size_t>(c % ranks);
    for (index_t begin = offset; begin < offset + count;) {
      const int to = partition_.owner(begin);
      const index_t end = std::min(offset + count, partition_.range(to).end);
      if (to == me) pieces.push_back({from, begin - partition_.range(me).begin, end - begin});
      if (from == static_cast<std::size_t>(me)) {
        auto& list = found[static_cast<std::size_t>(c / ranks)];
        send[static_cast<std::size_t>(to)].insert(send[static_cast<std::size_t>(to)].end(),
                                                  list.begin() + (begin - offset),
                                                  list.begin() + (end - offset));
      }
      begin = end;
    }
    if (from == static_cast<std::size_t>(me))
      std::vector<name_t>().swap(found[static_cast<std::size_t>(c / ranks)]);
    offset += count;
  }
  KRONSOLVE_ASSERT(offset ==
                   partition_.rows());  // the list has as many states as Burnside's formula says
  const auto received = comm_->all_to_all_v(send);
  states_.resize(static_cast<std::size_t>(row_range().size()));
  std::vector<std::size_t> next(static_cast<std::size_t>(ranks), 0);
  for (const auto& [from, at, count] : pieces) {
    std::copy_n(received[from].begin() + static_cast<std::ptrdiff_t>(next[from]), count,
                states_.begin() + at);
    next[from] += static_cast<std::size_t>(count);
  }
#ifdef __GLIBC__
  // Many short lists have come and gone, which the heap would keep: 8 bytes for each representative.
  found = {};
  malloc_trim(0);
#endif
}

void SymmetryBasis::count_stabilisers() {
  constexpr std::size_t part = std::size_t{1} << 20;
  detail::Stabilisers all;
  std::vector<int> orders;
  for (std::size_t begin = 0; begin < states_.size(); begin += part) {
    orders.resize(std::min(part, states_.size() - begin));
#pragma omp parallel for num_threads(num_threads()) schedule(static)
    for (std::size_t i = 0; i < orders.size(); ++i)
      orders[i] = action_->find(states_[begin + i]).stabiliser;
    all.append(orders);
  }
  stabilisers_ = std::make_unique<const detail::Stabilisers>(std::move(all));
}

int SymmetryBasis::stabiliser(index_t row) const {
  if (!listed_) return action_->find(static_cast<name_t>(state(row))).stabiliser;
  return (*stabilisers_)[static_cast<std::size_t>(row - row_range().begin)];
}

state_t SymmetryBasis::state(index_t i) const {
  if (!listed_) return index_.string(i);
  if (!row_range().contains(i))
    throw InvalidArgument(
        detail::concat("row ", i, " of the symmetry sector is on another rank; this one has [",
                       row_range().begin, ", ", row_range().end, ")"));
  return states_[static_cast<std::size_t>(i - row_range().begin)];
}

int SymmetryBasis::owner(name_t representative) const noexcept {
  const auto after = std::upper_bound(firsts_.begin(), firsts_.end(), representative);
  return std::max(0, static_cast<int>(after - firsts_.begin()) - 1);
}

void SymmetryBasis::require_owned(name_t representative) const {
  if (owner(representative) != comm_->rank())
    throw InvalidArgument(detail::concat("configuration ", code().text(representative),
                                         " of the symmetry sector is on rank ",
                                         owner(representative)));
}

index_t SymmetryBasis::index(state_t state) const {
  if (!listed_) return index_.row(state);
  if (state > code().largest()) return -1;
  index_t row = 0;
  const auto name = static_cast<name_t>(state);
  rows_of(std::span(&name, 1), std::span(&row, 1));
  return row;
}

void SymmetryBasis::indices(std::span<const state_t> states, std::span<index_t> indices) const {
  if (!listed_) return index_.rows(states, indices);
  for (std::size_t i = 0; i < states.size(); ++i) indices[i] = index(states[i]);
}

void SymmetryBasis::rows_of(std::span<const name_t> representatives,
                            std::span<index_t> rows) const {
  if (!listed_) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = index_.row(representatives[i]);
    return;
  }
  if (comm_->size() > 1)
    for (const name_t representative : representatives) require_owned(representative);
  positions_->find(representatives, rows);
  if (const index_t first = row_range().begin; first > 0)
    for (index_t& row : rows) row += row < 0 ? 0 : first;
}

RowPartition SymmetryBasis::partition(int ranks) const {
  if (!listed_) return paths_.partition(ranks);
  return ranks == comm_->size() ? partition_ : RowPartition(size(), ranks);
}

void SymmetryBasis::locate(std::span<const state_t> states, std::span<index_t> keys,
                           std::span<std::complex<double>> amplitudes) const {
  // The group knows nothing of charges: a configuration outside has a representative all the same.
  configurations_->indices(states, keys);
  for (std::size_t i = 0; i < states.size(); ++i) {
    amplitudes[i] = 0;
    if (keys[i] < 0) continue;
    const auto found = action_->find(static_cast<name_t>(states[i]));
    keys[i] = static_cast<index_t>(found.representative);
    if (found.vanishes) continue;
    // P|state> = conj(phase) P|representative>, and P|representative> = sqrt(|Stab|/|G|) |row>.
    const double length = std::sqrt(double(found.stabiliser) / group_.order());
    amplitudes[i] = length * std::conj(group_.phase_value(found.phase));
  }
}

void SymmetryBasis::orbit(index_t row, std::vector<Component>& components) const {
  // |row> = sum over g of conj(character(g)) U_g |representative> / sqrt(|G| |Stab|).
  const state_t representative = state(row);
  components.clear();
  int stabiliser = 0;
  for (const auto& [image, phase] : action_->images_of(static_cast<name_t>(representative))) {
    components.push_back({image, std::conj(group_.phase_value(phase))});
    if (image == representative) ++stabiliser;
  }
  const double length = std::sqrt(double(stabiliser) * group_.order());
  for (auto& component : components) component.amplitude /= length;
}

index_t SymmetryBasis::memory_bytes() const noexcept {
  return static_cast<index_t>(states_.size() * sizeof(name_t)) +
         (listed_ ? positions_->memory_bytes() + stabilisers_->memory_bytes() : 0) +
         index_.memory_bytes() + action_->memory_bytes();
}

}  // namespace kronsolve
