#pragma once
// Asking the owners of representatives.

#include <algorithm>
#include <vector>

#include <kronsolve/operators/symmetry_basis.hpp>

namespace kronsolve::detail {

/// answer(representative), called on the rank that would hold it, for each of `states`. Each state
/// is asked once. Collective on the communicator of the basis; local without messages on one rank.
template <class Result, class Answer>
std::vector<Result> ask_owners(const SymmetryBasis& basis, const std::vector<state_t>& states,
                               Answer&& answer) {
  std::vector<Result> results(states.size());
  const Comm& comm = basis.comm();
  if (comm.size() == 1) {
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < states.size(); ++i) results[i] = answer(states[i]);
    return results;
  }
  auto unique = states;
  std::sort(unique.begin(), unique.end());
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  std::vector<std::vector<state_t>> questions(static_cast<std::size_t>(comm.size()));
  for (const state_t s : unique) questions[static_cast<std::size_t>(basis.owner(s))].push_back(s);
  const auto asked = comm.all_to_all_v(questions);
  std::vector<std::vector<Result>> answers(asked.size());
  for (std::size_t r = 0; r < asked.size(); ++r)
    for (const state_t s : asked[r]) answers[r].push_back(answer(s));
  const auto told = comm.all_to_all_v(answers);
  std::vector<Result>
      known;  // owners ascend with the states, so the answers in rank order are those of `unique`
  known.reserve(unique.size());
  for (const auto& some : told) known.insert(known.end(), some.begin(), some.end());
  for (std::size_t i = 0; i < states.size(); ++i)
    results[i] = known[static_cast<std::size_t>(
        std::lower_bound(unique.begin(), unique.end(), states[i]) - unique.begin())];
  return results;
}

}  // namespace kronsolve::detail
