#include "measure/amplitudes.hpp"

#include <algorithm>

#include <kronsolve/operators/charge_basis.hpp>

namespace kronsolve::detail {

template <Scalar T>
Amplitudes<T>::Amplitudes(const StateView<T>& psi)
    : comm_(&psi.comm()),
      basis_(&psi.basis()),
      orbits_(dynamic_cast<const SymmetryBasis*>(&psi.basis())),
      configurations_(configurations_of(psi.basis())),
      partition_(psi.partition()),
      mine_(partition_.range(psi.comm().rank())),
      owned_(psi.owned()) {}

template <Scalar T>
void Amplitudes<T>::locate(std::span<const state_t> states, std::span<index_t> keys,
                           std::span<T> factors) const {
  if (orbits_ == nullptr) {
    basis_->indices(states, keys);
    std::fill(factors.begin(), factors.end(), T{1});
    return;
  }
  // The group knows nothing of charges: a configuration outside the sector has a representative all
  // the same.
  configurations_->indices(states, keys);
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (keys[i] < 0) continue;
    const auto found = orbits_->overlap(states[i]);
    const bool carried = found.amplitude != 0.0;
    keys[i] = carried ? static_cast<index_t>(found.representative) : -1;
    factors[i] = from_complex<T>(std::conj(found.amplitude));  // <state|row>
  }
}

template <Scalar T>
int Amplitudes<T>::owner(index_t key) const {
  return orbits_ == nullptr ? partition_.owner(key) : orbits_->owner(static_cast<state_t>(key));
}

template <Scalar T>
bool Amplitudes<T>::owns(index_t key) const noexcept {
  return orbits_ == nullptr ? mine_.contains(key)
                            : orbits_->owner(static_cast<state_t>(key)) == comm_->rank();
}

template <Scalar T>
T Amplitudes<T>::owned(index_t key) const {
  const index_t row = orbits_ == nullptr ? key : orbits_->index(static_cast<state_t>(key));
  return owned_[static_cast<std::size_t>(row - mine_.begin)];
}

template <Scalar T>
std::vector<T> Amplitudes<T>::fetch(std::span<const index_t> keys) const {
  const auto ranks = static_cast<std::size_t>(comm_->size());
  std::vector<int> owners(keys.size());
  std::vector<std::vector<index_t>> wanted(ranks);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    owners[i] = owner(keys[i]);
    wanted[static_cast<std::size_t>(owners[i])].push_back(keys[i]);
  }
  const auto asked = comm_->all_to_all_v(wanted);
  wanted.clear();
  std::vector<std::vector<T>> answers(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    answers[r].reserve(asked[r].size());
    for (const index_t key : asked[r]) answers[r].push_back(owned(key));
  }
  const auto received = comm_->all_to_all_v(answers);
  std::vector<T> values(keys.size());
  std::vector<std::size_t> next(ranks, 0);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto r = static_cast<std::size_t>(owners[i]);
    values[i] = received[r][next[r]++];
  }
  return values;
}

template class Amplitudes<double>;
template class Amplitudes<std::complex<double>>;

std::shared_ptr<const Basis> configurations_of(const Basis& basis) {
  const auto* orbits = dynamic_cast<const SymmetryBasis*>(&basis);
  if (orbits == nullptr) return {std::shared_ptr<const Basis>(), &basis};
  if (orbits->charges().empty()) return std::make_shared<const FullBasis>(basis.spaces());
  return std::make_shared<const ChargeBasis>(basis.spaces(), orbits->charges());
}

}  // namespace kronsolve::detail
