#include "operators/states/amplitudes.hpp"

#include <algorithm>

#include <kronsolve/core/threads.hpp>

namespace kronsolve::detail {

namespace {
constexpr std::size_t piece = 256;
}

template <Scalar T>
void Amplitudes<T>::locate(std::span<const state_t> states, std::span<index_t> keys,
                           std::span<T> factors) const {
  std::complex<double> amplitudes[piece];
  for (std::size_t begin = 0; begin < states.size(); begin += piece) {
    const std::size_t n = std::min(piece, states.size() - begin);
    basis_->locate(states.subspan(begin, n), keys.subspan(begin, n), std::span(amplitudes, n));
    for (std::size_t i = 0; i < n; ++i)
      factors[begin + i] = from_complex<T>(std::conj(amplitudes[i]));  // <state|row>
  }
}

template <Scalar T>
std::vector<T> Amplitudes<T>::fetch(std::span<const index_t> keys) const {
  const auto ranks = static_cast<std::size_t>(comm_->size());
  std::vector<int> owners(keys.size());
  std::vector<std::vector<index_t>> wanted(ranks);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    owners[i] = basis_->owner(keys[i], partition_);
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

template <Scalar T>
std::vector<T> Amplitudes<T>::read(std::span<const state_t> states) const {
  std::vector<index_t> keys(states.size()), wanted;
  std::vector<T> values(states.size());
#pragma omp parallel for num_threads(num_threads()) schedule(static)
  for (std::size_t begin = 0; begin < states.size(); begin += piece) {
    const std::size_t n = std::min(piece, states.size() - begin);
    locate(states.subspan(begin, n), std::span(keys).subspan(begin, n),
           std::span(values).subspan(begin, n));
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (values[i] == T{}) continue;
    if (owns(keys[i]))
      values[i] *= owned(keys[i]);
    else
      wanted.push_back(keys[i]);
  }
  if (comm_->size() == 1) return values;
  const auto fetched = fetch(wanted);
  std::size_t next = 0;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (values[i] != T{} && !owns(keys[i])) values[i] *= fetched[next++];
  return values;
}

template class Amplitudes<double>;
template class Amplitudes<std::complex<double>>;

}  // namespace kronsolve::detail
