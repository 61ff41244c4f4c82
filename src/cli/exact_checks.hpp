#pragma once

#include <string>
#include <vector>

#include "cli/report.hpp"

namespace kronsolve::cli {

/// A command line whose answer is known in closed form.
struct ExactCheck {
  enum class Needs { nothing, real_engine, complex_engine, real_factors, complex_factors };
  std::string name;
  std::string words;  ///< behind the name of the program; no blanks inside a word
  std::string field;  ///< of its JSON, as a JSON pointer: a number or a list
  std::vector<double> exact;
  Needs needs = Needs::nothing;
};

/// Every method and scalar on operators of at most 65536 states; seconds together.
const std::vector<ExactCheck>& exact_checks();

/// A magnon that starts at the end of an open chain, and where it is after a while.
ExactCheck magnon_check();

/// Looks at what a command has answered.
/// @return how it was solved
/// @throws Error  what is wrong with it
std::string verdict(const ExactCheck& check, const Answer& answer);

}  // namespace kronsolve::cli
