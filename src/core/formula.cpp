#include "core/formula.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <kronsolve/core/error.hpp>

#include "core/operations.hpp"

namespace kronsolve::detail {

namespace {

double apply(const Operation& operation, const double* x, int n) { return operation.value(x, n); }
Interval apply(const Operation& operation, const Interval* x, int n) {
  return operation.bounds(x, n);
}
double constant(double value, double) { return value; }
Interval constant(double value, Interval) { return {value, value}; }

}  // namespace

Formula::Formula(const Expression& expression, const std::string& variable, const Json& record) {
  compile(expression.root_, variable, record, expression);
}

void Formula::compile(const Expression::Node& node, const std::string& variable, const Json& record,
                      const Expression& expression) {
  using Kind = Expression::Node::Kind;
  if (node.kind == Kind::field && node.name == variable) {
    instructions_.push_back({Instruction::Kind::variable});
    return;
  }
  if (node.kind != Kind::operation) {
    instructions_.push_back({Instruction::Kind::constant, expression.number(node, record)});
    return;
  }
  const Operation* const found = find_operation(node.name);
  if (found == nullptr)
    throw InvalidArgument(concat("expression '", expression.text(),
                                 "': ", node.name == "[]" ? "x[i]" : node.name,
                                 " has no place in a function of ", variable));
  for (const auto& operand : node.operands) compile(operand, variable, record, expression);
  instructions_.push_back(
      {Instruction::Kind::operation, 0, found, static_cast<int>(node.operands.size())});
}

template <class Value>
Value Formula::run(Value x) const {
  constexpr std::size_t most_on_stack = 64;
  Value few[most_on_stack] = {};
  std::vector<Value> many(instructions_.size() > most_on_stack ? instructions_.size() : 0);
  Value* const stack = many.empty() ? few : many.data();
  std::size_t top = 0;
  for (const auto& step : instructions_) {
    if (step.kind == Instruction::Kind::constant) {
      stack[top++] = constant(step.number, x);
    } else if (step.kind == Instruction::Kind::variable) {
      stack[top++] = x;
    } else {
      top -= static_cast<std::size_t>(step.operands);
      stack[top] = apply(*step.operation, stack + top, step.operands);
      ++top;
    }
  }
  return stack[0];
}

double Formula::operator()(double x) const { return run(x); }

std::pair<double, double> Formula::range(double low, double high) const {
  const auto bounds = run(Interval{low, high});
  return {bounds.low, bounds.high};
}

std::vector<double> abrupt_places(
    const std::function<std::pair<double, double>(double, double)>& range, double begin,
    double end) {
  constexpr int levels = 45;       // then a piece is as short as the rounding of a time
  constexpr int all_until = 16;    // pieces of 2^-16 are looked at one and all
  constexpr int samples_see = 11;  // levels that samples between two places see
  constexpr double rounding = 1e-12;
  constexpr std::size_t most_pieces = 4096;
  /// With the widths of the function over it and over what it was cut from, up to three times.
  struct Piece {
    double begin, end;
    std::array<double, 4> widths;
    /// Of a smooth function an eighth of an interval has about an eighth of the width, a fourth
    /// beside an extremum.
    bool is_smooth() const { return std::isfinite(widths[3]) && widths[0] <= widths[3] / 2; }
  };
  if (!(end > begin)) return {};
  double size = 0;  // of the function, where its bounds are finite
  std::vector<Piece> rough = {{begin, end, {}}};
  std::vector<double> places;
  for (int level = 1; level <= levels && !rough.empty(); ++level) {
    std::vector<Piece> next;
    const auto look_at = [&](const Piece& whole, double from, double to) {
      const auto [low, high] = range(from, to);
      const Piece piece{from, to, {high - low, whole.widths[0], whole.widths[1], whole.widths[2]}};
      if (level == all_until && std::isfinite(piece.widths[0]))
        size = std::max({size, std::abs(low), std::abs(high)});
      if (level < all_until || !(piece.is_smooth() || piece.widths[0] <= rounding * size))
        next.push_back(piece);
    };
    for (const auto& piece : rough) {
      const double middle = piece.begin + (piece.end - piece.begin) / 2;
      look_at(piece, piece.begin, middle);
      look_at(piece, middle, piece.end);
    }
    rough = std::move(next);
    if (level < all_until) continue;
    if (rough.size() > most_pieces) break;  // steep everywhere
    // Ends of what is left, a few times on the way down: each time samples get finer.
    if (level != levels && (level - all_until) % samples_see != 0) continue;
    for (std::size_t i = 0; i < rough.size(); ++i) {
      if (i == 0 || rough[i - 1].end != rough[i].begin) places.push_back(rough[i].begin);
      if (i + 1 == rough.size() || rough[i].end != rough[i + 1].begin)
        places.push_back(rough[i].end);
    }
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

}  // namespace kronsolve::detail
