#pragma once
// Asking the owners of representatives.

#include <algorithm>
#include <span>
#include <vector>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

namespace kronsolve::detail {

/// Calls answer(representatives, results) for parts of the list, on all threads.
template <class Result, class Answer>
void answer_in_parts(std::span<const name_t> states, std::span<Result> results, Answer&& answer) {
  constexpr std::size_t part = 4096;
  const auto parts = static_cast<std::int64_t>((states.size() + part - 1) / part);
#pragma omp parallel for schedule(static) num_threads(parts > 1 ? num_threads() : 1)
  for (std::int64_t p = 0; p < parts; ++p) {
    const std::size_t begin = static_cast<std::size_t>(p) * part,
                      n = std::min(part, states.size() - begin);
    answer(states.subspan(begin, n), results.subspan(begin, n));
  }
}

/// Results for a list of representatives, each from the rank that would hold it:
/// answer(representatives, results) is called there for parts of them, and must not throw.
/// Collective on the communicator of the basis; local without messages on one rank.
template <class Result, class Answer>
std::vector<Result> ask_owners(const SymmetryBasis& basis, std::span<const name_t> states,
                               Answer&& answer) {
  std::vector<Result> results(states.size());
  const Comm& comm = basis.comm();
  if (comm.size() == 1) {
    answer_in_parts<Result>(states, results, answer);
    return results;
  }
  std::vector<std::vector<name_t>> questions(static_cast<std::size_t>(comm.size()));
  std::vector<int> owners;
  owners.reserve(states.size());
  for (const name_t s : states) {
    owners.push_back(basis.owner(s));
    questions[static_cast<std::size_t>(owners.back())].push_back(s);
  }
  const auto asked = comm.all_to_all_v(questions);
  std::vector<std::vector<Result>> answers(asked.size());
  for (std::size_t r = 0; r < asked.size(); ++r) {
    answers[r].resize(asked[r].size());
    answer_in_parts<Result>(asked[r], answers[r], answer);
  }
  const auto told = comm.all_to_all_v(answers);
  std::vector<std::size_t> next(told.size(), 0);  // answers come in the order of the questions
  for (std::size_t i = 0; i < states.size(); ++i) {
    const auto from = static_cast<std::size_t>(owners[i]);
    results[i] = told[from][next[from]++];
  }
  return results;
}

}  // namespace kronsolve::detail
