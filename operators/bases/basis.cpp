#include <bit>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/charge_basis.hpp>

namespace kronsolve {

DigitCode::DigitCode(const std::vector<LocalSpace>& spaces) {
  dims_.reserve(spaces.size());
  for (const auto& space : spaces) dims_.push_back(space.dim());
  strides_.assign(dims_.size(), 1);
  // Digits side by side (DigitLayout) must fit as well as the number, which never takes more bits.
  constexpr int most_bits = 128;
  int bits = 0;
  for (const int dim : dims_) bits += std::bit_width(static_cast<unsigned>(dim - 1));
  if (bits > most_bits)
    throw InvalidArgument(detail::concat("the configurations of ", dims_.size(), " sites take ",
                                         bits, " bits, at most ", most_bits,
                                         " are possible; make the system smaller"));
  state_t stride = 1;
  for (std::size_t i = dims_.size(); i-- > 0;) {
    strides_[i] = stride;
    largest_ += static_cast<state_t>(dims_[i] - 1) * stride;
    stride *= static_cast<state_t>(dims_[i]);  // 2^128 becomes 0 only after its last use
  }
}

std::string DigitCode::text(state_t state) const {
  bool wide = false;
  for (const int d : dims_) wide = wide || d > 10;
  std::string result;
  for (int site = 0; site < sites(); ++site) {
    if (wide && site > 0) result += ',';
    result += std::to_string(digit(state, site));
  }
  return result;
}

Basis::Basis(std::vector<LocalSpace> spaces) : spaces_(std::move(spaces)), code_(spaces_) {}
Basis::~Basis() = default;

void Basis::states(RowRange range, std::span<state_t> states) const {
  KRONSOLVE_ASSERT(static_cast<index_t>(states.size()) == range.size());
  for (index_t i = 0; i < range.size(); ++i)
    states[static_cast<std::size_t>(i)] = state(range.begin + i);
}

void Basis::indices(std::span<const state_t> states, std::span<index_t> indices) const {
  KRONSOLVE_ASSERT(states.size() == indices.size());
  for (std::size_t i = 0; i < states.size(); ++i) indices[i] = index(states[i]);
}

void Basis::locate(std::span<const state_t> states, std::span<index_t> keys,
                   std::span<std::complex<double>> amplitudes) const {
  indices(states, keys);
  for (std::size_t i = 0; i < keys.size(); ++i) amplitudes[i] = keys[i] < 0 ? 0 : 1;
}

Location Basis::locate(state_t state) const {
  Location found;
  locate(std::span(&state, 1), std::span(&found.key, 1), std::span(&found.amplitude, 1));
  return found;
}

const std::vector<Charge>& Basis::charges() const {
  static const std::vector<Charge> none;
  return none;
}

const std::vector<LocalRule>& Basis::rules() const {
  static const std::vector<LocalRule> none;
  return none;
}

RowPartition Basis::partition(int ranks) const { return RowPartition(size(), ranks); }

FullBasis::FullBasis(std::vector<LocalSpace> spaces) : Basis(std::move(spaces)), size_(1) {
  const std::string what = detail::concat("the dimension of the full space of ", sites(), " sites");
  for (const auto& space : Basis::spaces()) size_ = checked_multiply(size_, space.dim(), what);
  std::vector<int> dims;
  for (const auto& space : Basis::spaces()) dims.push_back(space.dim());
  paths_ = DigitPaths(std::move(dims), {});
}

void FullBasis::states(RowRange range, std::span<state_t> states) const {
  KRONSOLVE_ASSERT(static_cast<index_t>(states.size()) == range.size());
  for (std::size_t i = 0; i < states.size(); ++i) states[i] = static_cast<state_t>(range.begin) + i;
}

void FullBasis::indices(std::span<const state_t> states, std::span<index_t> indices) const {
  KRONSOLVE_ASSERT(states.size() == indices.size());
  for (std::size_t i = 0; i < states.size(); ++i) indices[i] = static_cast<index_t>(states[i]);
}

}  // namespace kronsolve
