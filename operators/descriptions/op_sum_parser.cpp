#include <charconv>
#include <cmath>
#include <sstream>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

/// Reads a number from the front of `text` and removes it.
std::optional<double> take_number(std::string_view& text) {
  std::string_view rest = text;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc()) return std::nullopt;
  text = rest.substr(static_cast<std::size_t>(end - rest.data()));
  return value;
}

/// "0.5", "-1e-3" or "(0.5-2i)".
std::optional<Complex> to_coefficient(std::string_view word) {
  const bool pair = word.starts_with('(') && word.ends_with(')');
  if (pair) word = word.substr(1, word.size() - 2);
  const auto real = take_number(word);
  if (!real) return std::nullopt;
  if (!pair) return word.empty() ? std::optional<Complex>(*real) : std::nullopt;
  const auto imaginary = take_number(word);
  if (!imaginary || word != "i") return std::nullopt;
  return Complex(*real, *imaginary);
}

OpFactor to_factor(const std::string& word) {
  const auto underscore = word.rfind('_');
  if (underscore != std::string::npos && underscore > 0) {
    const std::string_view digits = std::string_view(word).substr(underscore + 1);
    int site = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), site);
    if (error == std::errc() && end == digits.data() + digits.size())
      return {word.substr(0, underscore), site};
  }
  throw InvalidArgument(
      detail::concat("operator text: '", word,
                     "' is neither a coefficient in front of a term nor an operator such as Sz_0"));
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
  for (std::string word; words >> word;) {
    if (word == "+" || word == "-") {
      if (term || word == "+" || !op.terms_.empty()) finish(word);
      sign = word == "-" ? -1 : 1;
      continue;
    }
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
    term->factors.push_back(to_factor(word));
  }
  finish("the end");
  return op;
}

}  // namespace kronsolve
