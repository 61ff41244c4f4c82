#include "cli/observables.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <kronsolve/core/suggest.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/op_file.hpp>

namespace kronsolve::cli {

namespace {

using Kind = Observable::Kind;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

/// Parses the texts of --observe against the sites of an operator.
class Parser {
 public:
  Parser(const Comm& comm, const SectorOperator& h, InitialState initial)
      : comm_(comm), h_(h), initial_(initial) {}

  Observable parse(const std::string& text) {
    text_ = text;
    const auto colon = text.find(':');
    const std::string name = text.substr(0, colon);
    const std::optional<std::string> rest =
        colon == text.npos ? std::nullopt : std::optional(text.substr(colon + 1));
    if (name == "energy") return plain(Kind::energy, rest);
    if (name == "variance") return plain(Kind::variance, rest);
    if (name == "norm") return plain(Kind::norm, rest);
    if (name == "overlap") return overlap(rest);
    if (name == "sz") return sz(rest);
    if (name == "corr") return correlation(rest);
    if (name == "entropy") return entropy(rest);
    if (name == "amplitude") return amplitude(rest);
    if (name == "op") return expectation(rest);
    const std::vector<std::string> known = {
        "energy",       "variance",     "norm",      "sz",      "sz:SITE",          "corr:A,B",
        "corr:A,B:I,J", "entropy:half", "entropy:L", "overlap", "amplitude:DIGITS", "op:FILE.toml"};
    throw InvalidArgument(detail::concat("--observe: ", unknown_name("observable", text, known)));
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw InvalidArgument(detail::concat("--observe ", text_, ": ", why));
  }

  Observable plain(Kind kind, const std::optional<std::string>& rest) const {
    if (rest) refuse("nothing may follow the name");
    return {text_, kind};
  }

  Observable overlap(const std::optional<std::string>& rest) const {
    if (initial_ == InitialState::none)
      refuse("there is no initial state to compare with; evolve has one");
    return plain(Kind::overlap, rest);
  }

  int number(const std::string& text, int least, int most, const char* what) const {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
      refuse(detail::concat(what, " must be in [", least, ", ", most, "], got '", text, "'"));
    return value;
  }
  int site(const std::string& text) const { return number(text, 0, h_.op.sites() - 1, "a site"); }

  /// @param named  matrices that the operator file defines count too
  void check_operator(const std::string& name, int site, bool named = false) const {
    const auto& space = h_.op.spaces()[static_cast<std::size_t>(site)];
    if (!space.find(name) && !(named && h_.op.definitions().contains(name)))
      refuse(detail::concat("site ", site, " (", space.name(),
                            "): ", unknown_name("operator", name, space.operator_names())));
  }
  void check_operator_everywhere(const std::string& name) const {
    for (int site = 0; site < h_.op.sites(); ++site) check_operator(name, site);
  }

  Observable sz(const std::optional<std::string>& rest) const {
    if (!rest) {
      check_operator_everywhere("Sz");
      return {text_, Kind::profile};
    }
    const int at = site(*rest);
    check_operator("Sz", at);
    return {text_, Kind::site, "Sz", "", {at}};
  }

  Observable correlation(const std::optional<std::string>& rest) const {
    constexpr const char* form = "write corr:A,B or corr:A,B:I,J";
    if (!rest) refuse(form);
    const auto parts = split(*rest, ':');
    const auto names = split(parts[0], ',');
    if (names.size() != 2 || parts.size() > 2) refuse(form);
    if (parts.size() == 1) {
      for (const auto& name : names) check_operator_everywhere(name);
      return {text_, Kind::correlations, names[0], names[1]};
    }
    const auto sites = split(parts[1], ',');
    if (sites.size() != 2) refuse(form);
    const int i = site(sites[0]), j = site(sites[1]);
    check_operator(names[0], i, true);
    check_operator(names[1], j, true);
    OpSum product(h_.op.spaces());
    for (const auto& [name, matrix] : h_.op.definitions()) product.define(name, matrix);
    product.add(1, {{names[0], i}, {names[1], j}});
    return {text_, Kind::correlation, names[0], names[1], {i, j}, std::move(product)};
  }

  Observable entropy(const std::optional<std::string>& rest) const {
    if (!rest) refuse("write entropy:half or entropy:L (the first L sites)");
    const int sites = h_.op.sites();
    const int length = *rest == "half" ? sites / 2 : number(*rest, 0, sites, "a number of sites");
    std::vector<int> first(static_cast<std::size_t>(length));
    std::iota(first.begin(), first.end(), 0);
    return {text_, Kind::entropy, "", "", std::move(first)};
  }

  Observable amplitude(const std::optional<std::string>& rest) const {
    const auto& spaces = h_.op.spaces();
    if (!rest) refuse("write amplitude:DIGITS, one digit a site");
    const auto words =
        rest->find(',') == rest->npos ? std::vector<std::string>() : split(*rest, ',');
    std::vector<int> digits;
    const std::size_t count = words.empty() ? rest->size() : words.size();
    if (count != spaces.size())
      refuse(detail::concat("one digit a site is needed, got ", count, " for ", spaces.size(),
                            " sites"));
    for (std::size_t i = 0; i < count; ++i)
      digits.push_back(
          number(words.empty() ? rest->substr(i, 1) : words[i], 0, spaces[i].dim() - 1, "a digit"));
    return {text_, Kind::amplitude, "", "", std::move(digits)};
  }

  Observable expectation(const std::optional<std::string>& rest) const {
    if (!rest || rest->empty()) refuse("write op:FILE.toml");
    OpSum sum = read_operator_file(comm_, *rest);
    if (sum.spaces() != h_.op.spaces())
      refuse(detail::concat("the operator has other sites (", sum.sites(),
                            ") than the Hamiltonian (", h_.op.sites(), "), or other local spaces"));
    return {text_, Kind::expectation, "", "", {}, std::move(sum)};
  }

  const Comm& comm_;
  const SectorOperator& h_;
  InitialState initial_;
  std::string text_;
};

/// A number where the imaginary part is rounding only.
Value number(std::complex<double> z, double scale) {
  if (std::abs(z.imag()) <= 1e-12 * scale) return {z.real()};
  return {z};
}

Value list(const std::vector<std::complex<double>>& values) {
  double scale = 1;
  for (const auto z : values) scale = std::max(scale, std::abs(z));
  const bool real = std::all_of(values.begin(), values.end(),
                                [&](auto z) { return std::abs(z.imag()) <= 1e-12 * scale; });
  std::vector<Value> result;
  for (const auto z : values) result.push_back(real ? Value{z.real()} : Value{z});
  return {std::move(result)};
}

Value matrix(const std::vector<std::complex<double>>& values, int columns) {
  const auto all = std::get<std::vector<Value>>(list(values).content);
  std::vector<Value> rows;
  for (auto at = all.begin(); at != all.end(); at += columns)
    rows.push_back({std::vector<Value>(at, at + columns)});
  return {std::move(rows)};
}

}  // namespace

std::vector<Observable> parse_observables(const Comm& comm, const std::vector<std::string>& texts,
                                          const SectorOperator& h, InitialState initial) {
  std::vector<Observable> result;
  Parser parser(comm, h, initial);
  for (const auto& text : texts) {
    const bool twice =
        std::any_of(result.begin(), result.end(), [&](const auto& o) { return o.text == text; });
    if (!twice) result.push_back(parser.parse(text));
  }
  return result;
}

template <Scalar T>
Value measure(const Observable& observable, const SectorOperator& h, const StateView<T>& psi,
              const StateView<T>* initial) {
  switch (observable.kind) {
    case Kind::energy:
      return {expectation(psi, h.op).real()};
    case Kind::variance:
      return {variance(psi, h.op)};
    case Kind::norm:
      return {norm(psi)};
    case Kind::profile:
      return list(site_profile(psi, "Sz"));
    case Kind::site:
      return number(site_profile(psi, observable.a)[static_cast<std::size_t>(observable.sites[0])],
                    1);
    case Kind::correlations:
      return matrix(correlation_matrix(psi, observable.a, observable.b), h.op.sites());
    case Kind::entropy:
      return {entanglement_entropy(psi, observable.sites)};
    case Kind::overlap:
      return {std::complex<double>(overlap(*initial, psi))};
    case Kind::amplitude:
      return {std::complex<double>(amplitude(psi, observable.sites))};
    case Kind::correlation:
    case Kind::expectation:
      break;
  }
  const auto value = expectation(psi, *observable.op);
  return number(value, std::max(1.0, std::abs(value)));
}

template Value measure(const Observable&, const SectorOperator&, const StateView<double>&,
                       const StateView<double>*);
template Value measure(const Observable&, const SectorOperator&,
                       const StateView<std::complex<double>>&,
                       const StateView<std::complex<double>>*);

}  // namespace kronsolve::cli
