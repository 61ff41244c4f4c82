#include "core/expression.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>

#include "core/operations.hpp"

namespace kronsolve::detail {

namespace {

/// Of lists as well: how many there are.
constexpr std::string_view length = "len";

/// Less than, equal to or greater than 0, as of two numbers; a text is no number.
double order_of_texts(const Json& a, const Json& b) {
  if (a.is_string() != b.is_string()) return 1;
  return a.get_ref<const std::string&>().compare(b.get_ref<const std::string&>());
}

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool in_name(char c) {
  return starts_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == ':';
}

}  // namespace

/// By recursive descent, an operation of lower rank calling the next higher.
class ExpressionParser {
 public:
  using Node = Expression::Node;
  using Kind = Node::Kind;
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  Node read() {
    Node node = alternatives();
    skip_blanks();
    if (at_ < text_.size())
      fail(detail::concat(
          "'", text_.substr(at_),
          "' is not understood; a name with blanks or commas stands in braces, {a b}"));
    return node;
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw InvalidArgument(
        detail::concat("expression '", text_, "', character ", at_ + 1, ": ", why));
  }
  /// Counts how deep formulas stand within each other: the stack of the program is not endless.
  struct Depth {
    explicit Depth(ExpressionParser& parser) : depth(parser.depth_) {
      constexpr int most = 400;
      if (++depth > most) {
        --depth;
        parser.fail("formulas stand too deep within each other");
      }
    }
    ~Depth() { --depth; }
    int& depth;
  };
  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  /// Takes the first of these that comes next; empty if none does. A word must end there.
  std::string_view take(std::initializer_list<std::string_view> signs) {
    skip_blanks();
    for (const auto sign : signs) {
      if (!text_.substr(at_).starts_with(sign)) continue;
      const auto end = at_ + sign.size();
      if (starts_name(sign[0]) && end < text_.size() && in_name(text_[end])) continue;
      at_ = end;
      return sign;
    }
    return {};
  }
  static Node operation(std::string_view name, std::vector<Node> operands) {
    return {Kind::operation, std::string(name), {}, std::move(operands)};
  }
  /// Operands of the next higher rank with these signs between them, from left to right.
  template <class Next>
  Node chain(std::initializer_list<std::string_view> signs, Next next) {
    Node left = next();
    for (auto sign = take(signs); !sign.empty(); sign = take(signs))
      left = operation(sign, {left, next()});
    return left;
  }

  Node alternatives() {
    const Depth depth(*this);
    return chain({"or"}, [&] { return chain({"and"}, [&] { return negation(); }); });
  }
  Node negation() {
    const Depth depth(*this);
    if (!take({"not"}).empty()) return operation("not", {negation()});
    Node left = sum();
    const auto sign = take({"<=", ">=", "!=", "==", "=", "<", ">"});
    if (sign.empty()) return left;
    return operation(sign == "==" ? "=" : sign, {left, sum()});
  }
  Node sum() {
    return chain({"+", "-"}, [&] { return chain({"*", "/"}, [&] { return signed_one(); }); });
  }
  Node signed_one() {
    const Depth depth(*this);
    if (!take({"-"}).empty()) return operation("negative", {signed_one()});
    Node base = indexed();
    return take({"^"}).empty() ? base : operation("^", {base, signed_one()});
  }
  Node indexed() {
    Node node = primary();
    while (!take({"["}).empty()) {
      node = operation("[]", {node, alternatives()});
      if (take({"]"}).empty()) fail("a ] is missing");
    }
    return node;
  }
  Node primary() {
    if (!take({"("}).empty()) {
      Node inside = alternatives();
      if (take({")"}).empty()) fail("a ) is missing");
      return inside;
    }
    skip_blanks();
    if (at_ == text_.size()) fail("a value is missing");
    const char c = text_[at_];
    if (c == '\'' || c == '"') return {Kind::constant, {}, quoted(c), {}};
    if (c == '{') return {Kind::field, quoted('}'), {}, {}};
    if (starts_name(c)) return named();
    return {Kind::constant, {}, number(), {}};
  }
  /// What stands up to `end`.
  std::string quoted(char end) {
    const auto close = text_.find(end, at_ + 1);
    if (close == text_.npos) fail(detail::concat("a ", end, " is missing"));
    const auto inside = text_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    return std::string(inside);
  }
  Node named() {
    const auto begin = at_;
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    const std::string name(text_.substr(begin, at_ - begin));
    if (take({"("}).empty()) return {Kind::field, name, {}, {}};
    const Operation* const known = find_operation(name);
    if (name != length && (known == nullptr || !known->is_function())) {
      std::vector<std::string> words = {std::string(length)};
      for (const auto& one : operations())
        if (one.is_function()) words.emplace_back(one.name);
      std::sort(words.begin(), words.end());
      fail(unknown_name("function", name, words));
    }
    std::vector<Node> operands = {alternatives()};
    while (!take({","}).empty()) operands.push_back(alternatives());
    if (take({")"}).empty()) fail("a ) is missing");
    return operation(name, std::move(operands));
  }
  double number() {
    const auto begin = at_;
    const auto is_part = [&](char c) {
      const bool exponent =
          (c == '+' || c == '-') && at_ > begin && std::tolower(text_[at_ - 1]) == 'e';
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || exponent;
    };
    while (at_ < text_.size() && is_part(text_[at_])) ++at_;
    const auto value = read_number<double>(text_.substr(begin, at_ - begin));
    if (value) return *value;
    at_ = begin;
    fail("expected a number, a name, a 'text' or (");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

Expression::Expression(const std::string& text)
    : text_(text), root_(ExpressionParser(text_).read()) {}

void Expression::collect(const Node& node, std::vector<std::string>& names) {
  if (node.kind == Node::Kind::field) names.push_back(node.name);
  for (const auto& operand : node.operands) collect(operand, names);
}

std::vector<std::string> Expression::names() const {
  std::vector<std::string> names;
  collect(root_, names);
  return names;
}

Json Expression::value(const Json& record) const { return evaluate(root_, record); }

bool Expression::holds(const Json& record) const { return number(root_, record) != 0; }

Json Expression::evaluate(const Node& node, const Json& record) const {
  if (node.kind == Node::Kind::constant) return node.constant;
  if (node.kind == Node::Kind::operation) return apply(node, record);
  const auto field = record.find(node.name);
  if (field != record.end()) return *field;
  std::vector<std::string> known;
  for (const auto& [name, value] : record.items()) known.push_back(name);
  const auto meant = closest(node.name, known);
  throw InvalidArgument(detail::concat("expression '", text_, "': there is no field '", node.name,
                                       "' (texts stand in quotes)",
                                       meant.empty() ? "" : "; did you mean " + meant + "?"));
}

double Expression::number(const Node& node, const Json& record) const {
  const Json value = evaluate(node, record);
  if (value.is_number()) return value.get<double>();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  throw InvalidArgument(
      detail::concat("expression '", text_, "': ", value.dump(), " is not a number"));
}

Json Expression::apply(const Node& node, const Json& record) const {
  const auto& name = node.name;
  const auto operand = [&](std::size_t i) { return number(node.operands[i], record); };
  if (name == "and") return operand(0) != 0 && operand(1) != 0 ? 1.0 : 0.0;
  if (name == "or") return operand(0) != 0 || operand(1) != 0 ? 1.0 : 0.0;
  if (name == "[]") {
    const Json list = evaluate(node.operands[0], record);
    const auto asked = static_cast<std::ptrdiff_t>(operand(1));
    const auto length = static_cast<std::ptrdiff_t>(list.size());
    const auto index = asked < 0 ? asked + length : asked;
    if (!list.is_array() || index < 0 || index >= length)
      throw InvalidArgument(detail::concat("expression '", text_, "': there is no entry ", asked));
    return list[static_cast<std::size_t>(index)];
  }
  if (name == length) return static_cast<double>(numbers_of(node, record).size());
  const Operation& operation = *find_operation(name);
  if (operation.is_function()) {
    const auto numbers = numbers_of(node, record);
    return numbers.empty() ? std::nan("")
                           : operation.value(numbers.data(), static_cast<int>(numbers.size()));
  }
  double x[2] = {};
  if (operation.is_comparison()) {
    const Json a = evaluate(node.operands[0], record), b = evaluate(node.operands[1], record);
    if (a.is_string() || b.is_string()) {
      if (a.is_string() != b.is_string() && name != "=" && name != "!=")
        throw InvalidArgument(
            detail::concat("expression '", text_, "': a text and a number have no order"));
      x[0] = order_of_texts(a, b);
      return operation.value(x, 2);
    }
  }
  for (std::size_t i = 0; i < node.operands.size(); ++i) x[i] = operand(i);
  return operation.value(x, static_cast<int>(node.operands.size()));
}

std::vector<double> Expression::numbers_of(const Node& node, const Json& record) const {
  std::vector<double> numbers;
  for (const auto& one : node.operands) {
    const Json value = evaluate(one, record);
    if (value.is_array())
      for (const auto& entry : value)
        numbers.push_back(number({Node::Kind::constant, {}, entry, {}}, record));
    else
      numbers.push_back(number({Node::Kind::constant, {}, value, {}}, record));
  }
  return numbers;
}

}  // namespace kronsolve::detail
