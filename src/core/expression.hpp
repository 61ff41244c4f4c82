#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <kronsolve/export.hpp>

namespace kronsolve::detail {

using Json = nlohmann::ordered_json;

/// A formula over the fields of a record: "eigenvalues[1] - eigenvalues[0]", "sites = 16 and bx >
/// 1.5".
///
/// Numbers, 'texts' in quotes, names of fields ({corr:Sz,Sz} where a name has other characters than
/// letters, digits, _ and :), x[i] (from the end if i is negative), + - * / ^, = != < <= > >=, and,
/// or, not, and the functions abs, sqrt, log, exp, sin, cos, tan, floor, min, max, sum, mean, len. Truth
/// is 1 or 0.
class KRONSOLVE_EXPORT Expression {
 public:
  /// @throws InvalidArgument  with the place
  explicit Expression(const std::string& text);
  const std::string& text() const noexcept { return text_; }
  /// Names of the fields that it looks at.
  std::vector<std::string> names() const;
  /// A number, a text or a list.
  /// @throws InvalidArgument  a field that the record does not have, or that is of another kind
  Json value(const Json& record) const;
  /// @throws InvalidArgument  as value(); the value is no number
  bool holds(const Json& record) const;

 private:
  friend class ExpressionParser;
  friend class Formula;
  /// A constant, a field (`name`), or an operation of that name.
  struct Node {
    enum class Kind { constant, field, operation } kind = Kind::constant;
    std::string name;
    Json constant;
    std::vector<Node> operands;
  };
  Json evaluate(const Node& node, const Json& record) const;
  double number(const Node& node, const Json& record) const;
  Json apply(const Node& node, const Json& record) const;
  /// All operands, entries of lists one by one.
  std::vector<double> numbers_of(const Node& node, const Json& record) const;
  static void collect(const Node& node, std::vector<std::string>& names);

  std::string text_;
  Node root_;
};

}  // namespace kronsolve::detail
