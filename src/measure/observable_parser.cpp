#include <algorithm>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/operators/op_file.hpp>

#include "measure/quantity.hpp"

namespace kronsolve {

namespace {

using Quantity = Observable::Quantity;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// One text with the basis it is about; every failure names it.
class Parser {
 public:
  Parser(std::string_view text, const Basis& basis)
      : text_(text), basis_(basis), parts_(split(text, ':')) {}

  Quantity parse(const Comm& comm) {
    const std::string& head = parts_[0];
    if (head == "energy") return plain(Quantity::Energy{});
    if (head == "variance") return plain(Quantity::Variance{});
    if (head == "norm") return plain(Quantity::Norm{});
    if (head == "overlap") return plain(Quantity::Overlap{});
    if (head == "sz") return local("Sz", 1);
    if (head == "n") return local("N", 1);
    if (head == "local")
      return require_parts(2, 3, "local:OP or local:OP:SITE"), local(parts_[1], 2);
    if (head == "corr") return correlations();
    if (head == "entropy")
      return require_parts(2, 2, "entropy:half or entropy:SITES"), entropy(parts_[1], 1);
    if (head == "renyi") return renyi();
    if (head == "schmidt")
      return require_parts(2, 2, "schmidt:half or schmidt:SITES"),
             Quantity{Quantity::Schmidt{cut(parts_[1])}};
    if (head == "amplitude") return amplitude();
    if (head == "op") return operator_file(comm);
    const std::vector<std::string> known = {"energy",  "variance",  "norm", "overlap", "sz",
                                            "n",       "local",     "corr", "entropy", "renyi",
                                            "schmidt", "amplitude", "op"};
    throw InvalidArgument(unknown_name("observable", head, known));
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw InvalidArgument(detail::concat("observable '", text_, "': ", why));
  }

  void require_parts(std::size_t least, std::size_t most, const char* form) const {
    if (parts_.size() < least || parts_.size() > most) refuse(detail::concat("it must be ", form));
  }

  template <class Meaning>
  Quantity plain(Meaning meaning) const {
    require_parts(1, 1, "without ':'");
    return {meaning};
  }

  int site(const std::string& text) const {
    const auto value = read_number<int>(text);
    if (!value || *value < 0 || *value >= basis_.sites())
      refuse(detail::concat("a site must be in [0, ", basis_.sites() - 1, "], got '", text, "'"));
    return *value;
  }

  OpSum product(std::vector<OpFactor> factors) const {
    OpSum op(basis_.spaces());
    try {
      op.add(1, std::move(factors));
    } catch (const InvalidArgument& error) {
      refuse(error.what());
    }
    return op;
  }

  Quantity local(const std::string& op, std::size_t site_part) const {
    require_parts(site_part, site_part + 1, "the name, or the name with ':SITE'");
    if (parts_.size() > site_part) {
      OpSum one = product({{op, site(parts_[site_part])}});
      const bool hermitian = one.is_hermitian();
      return {Quantity::Mean{std::move(one), hermitian}};
    }
    Quantity::Profile profile{op, true, true};
    for (int i = 0; i < basis_.sites(); ++i) {
      const OpSum one = product({{op, i}});
      profile.hermitian = profile.hermitian && one.is_hermitian();
      profile.real = profile.real && one.is_real();
    }
    return {std::move(profile)};
  }

  Quantity correlations() const {
    require_parts(2, 3, "corr:A,B or corr:A,B:I,J");
    const auto names = split(parts_[1], ',');
    if (names.size() != 2)
      refuse(detail::concat("two operators are needed, as in corr:Sz,Sz, got '", parts_[1], "'"));
    if (parts_.size() == 3) {
      const auto sites = split(parts_[2], ',');
      if (sites.size() != 2)
        refuse(detail::concat("two sites are needed, as in 0,5, got '", parts_[2], "'"));
      OpSum pair = product({{names[0], site(sites[0])}, {names[1], site(sites[1])}});
      const bool hermitian = pair.is_hermitian();
      return {Quantity::Mean{std::move(pair), hermitian}};
    }
    Quantity::Correlations result{names[0], names[1], true, true};
    for (int i = 0; i < basis_.sites(); ++i)
      for (int j = 0; j < basis_.sites(); ++j) {
        const OpSum pair = product({{names[0], i}, {names[1], j}});
        result.hermitian = result.hermitian && pair.is_hermitian();
        result.real = result.real && pair.is_real();
      }
    return {std::move(result)};
  }

  std::vector<int> cut(const std::string& text) const {
    const auto count =
        text == "half" ? std::optional<int>(basis_.sites() / 2) : read_number<int>(text);
    if (!count || *count < 0 || *count > basis_.sites())
      refuse(detail::concat("a cut must be half or a number of sites in [0, ", basis_.sites(),
                            "], got '", text, "'"));
    std::vector<int> sites;
    for (int i = 0; i < *count; ++i) sites.push_back(i);
    (void)entanglement_memory(basis_, sites, ScalarKind::real,
                              1);  // refuses bases that have no cut
    return sites;
  }

  Quantity entropy(const std::string& where, double alpha) const {
    return {Quantity::Entropy{cut(where), alpha}};
  }

  Quantity renyi() const {
    require_parts(3, 3, "renyi:ALPHA:half or renyi:ALPHA:SITES");
    const auto alpha = read_number<double>(parts_[1]);
    if (!alpha || !(*alpha > 0))
      refuse(detail::concat("the order must be a number > 0, got '", parts_[1], "'"));
    return entropy(parts_[2], *alpha);
  }

  Quantity amplitude() const {
    require_parts(2, 2, "amplitude:DIGITS");
    const bool separated = parts_[1].find(',') != std::string::npos;
    Quantity::Amplitude result;
    std::vector<std::string> texts;
    if (separated)
      texts = split(parts_[1], ',');
    else
      for (const char c : parts_[1]) texts.emplace_back(1, c);
    if (static_cast<int>(texts.size()) != basis_.sites())
      refuse(detail::concat(texts.size(), " digits for ", basis_.sites(), " sites"));
    for (int i = 0; i < basis_.sites(); ++i) {
      const auto& digit = texts[static_cast<std::size_t>(i)];
      const auto value = read_number<int>(digit);
      if (!value || *value < 0 || *value >= basis_.code().dim(i))
        refuse(detail::concat("the digit of site ", i, " must be in [0, ", basis_.code().dim(i) - 1,
                              "], got '", digit, "'"));
      result.digits.push_back(*value);
    }
    return {std::move(result)};
  }

  Quantity operator_file(const Comm& comm) const {
    const std::string path(
        text_.substr(std::min<std::size_t>(3, text_.size())));  // a path may contain ':'
    if (path.empty()) refuse("it must be op:FILE.toml");
    OpSum op = read_operator_file(comm, path);
    if (op.spaces() != basis_.spaces())
      refuse(detail::concat("the operator is on ", op.sites(), " sites, the state on ",
                            basis_.sites(), ", or their local spaces differ"));
    const bool hermitian = op.is_hermitian();
    return {Quantity::Mean{std::move(op), hermitian}};
  }

  std::string_view text_;
  const Basis& basis_;
  std::vector<std::string> parts_;
};

}  // namespace

Observable Observable::parse(const Comm& comm, std::string_view text, const Basis& basis) {
  return {std::string(text), std::make_shared<const Quantity>(Parser(text, basis).parse(comm))};
}

bool Observable::needs_hamiltonian() const noexcept {
  return std::holds_alternative<Quantity::Energy>(quantity_->meaning) ||
         std::holds_alternative<Quantity::Variance>(quantity_->meaning);
}

bool Observable::needs_reference() const noexcept {
  return std::holds_alternative<Quantity::Overlap>(quantity_->meaning);
}

}  // namespace kronsolve
