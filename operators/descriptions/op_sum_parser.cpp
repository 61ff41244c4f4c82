#include <cmath>
#include <sstream>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

/// "0.5", "-1e-3" or "(0.5-2i)".
std::optional<Complex> to_coefficient(std::string_view word) {
  if (!word.starts_with('(') || !word.ends_with("i)")) {
    const auto real = read_number<double>(word);
    return real ? std::optional<Complex>(*real) : std::nullopt;
  }
  word = word.substr(1, word.size() - 3);
  // The sign between the two is the last one that no exponent has.
  auto sign = word.find_last_of("+-");
  while (sign != word.npos && sign > 0 && (word[sign - 1] == 'e' || word[sign - 1] == 'E'))
    sign = word.find_last_of("+-", sign - 1);
  if (sign == word.npos) return std::nullopt;
  const auto real = read_number<double>(word.substr(0, sign));
  const auto imaginary = read_number<double>(word.substr(sign));
  if (!real || !imaginary) return std::nullopt;
  return Complex(*real, *imaginary);
}

/// The sign that is written together with what follows it, "-0.5" behind a term or "-Sz", as a word
/// of its own. A coefficient in front keeps its sign.
std::string spaced_sign(std::string& word, bool in_term) {
  const bool glued = word.size() > 1 && (word[0] == '+' || word[0] == '-');
  if (!glued || (!in_term && to_coefficient(word))) return {};
  std::string sign = word.substr(0, 1);
  word.erase(0, 1);
  return sign;
}

/// `Sz_0`, or `Sz` with its site as the next word.
OpFactor to_factor(const std::string& word, std::istringstream& words) {
  const auto underscore = word.rfind('_');
  if (underscore != std::string::npos && underscore > 0) {
    if (const auto site = read_number<int>(std::string_view(word).substr(underscore + 1)))
      return {word.substr(0, underscore), *site};
  }
  if (std::string next; words >> next)
    if (const auto site = read_number<int>(next)) return {word, *site};
  throw InvalidArgument(detail::concat(
      "operator text: '", word,
      "' is neither a coefficient in front of a term nor an operator with its site such as Sz 0"));
}

}  // namespace

OpSum OpSum::parse(std::string_view text, std::vector<LocalSpace> spaces,
                   const std::map<std::string, LocalMatrix>& definitions) {
  OpSum op(std::move(spaces));
  for (const auto& [name, matrix] : definitions) op.define(name, matrix);
  std::istringstream words{std::string(text)};
  double sign = 1;
  std::optional<OpTerm> term;
  const auto finish = [&](const std::string& word) {
    if (!term)
      throw InvalidArgument(detail::concat("operator text: a term is missing before '", word, "'"));
    term->coefficient *= sign;
    if (term->coefficient != 0.0) op.add(term->coefficient, std::move(term->factors));
    term.reset();
  };
  const auto begin = [&](const std::string& word) {
    if (term || word == "+" || !op.terms_.empty()) finish(word);
    sign = word == "-" ? -1 : 1;
  };
  for (std::string word; words >> word;) {
    if (word == "+" || word == "-") {
      begin(word);
      continue;
    }
    if (const auto glued = spaced_sign(word, term.has_value()); !glued.empty()) begin(glued);
    if (!term) {
      term = OpTerm{1, {}};
      if (const auto coefficient = to_coefficient(word)) {
        term->coefficient = *coefficient;
        if (!std::isfinite(std::abs(*coefficient)))
          throw InvalidArgument(
              detail::concat("operator text: the coefficient '", word, "' is NaN or infinite"));
        continue;
      }
    }
    term->factors.push_back(to_factor(word, words));
  }
  finish("the end");
  return op;
}

}  // namespace kronsolve
