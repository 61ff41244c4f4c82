#pragma once
// An operator file, parsed: its keys, its numbers, and errors that tell the place.

#include <complex>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/operators/models.hpp>

#include "core/expression.hpp"
#include "core/toml_document.hpp"

namespace kronsolve::detail {

class FileReader : public TomlDocument {
 public:
  /// @param name       what errors call the text
  /// @param overrides  values of parameters in place of those of the file
  /// @throws InvalidArgument  TOML that does not parse, parameters that cannot be evaluated
  FileReader(std::string_view text, const std::string& name,
             const std::map<std::string, ModelValue>& overrides);

  /// What expressions may name: the parameters, pi, and what has been set.
  const Json& scope() const noexcept { return scope_; }
  void set(const std::string& name, double value) { scope_[name] = value; }
  /// The parameters of the file as they hold, in short texts.
  const std::map<std::string, std::string>& parameters() const noexcept { return parameters_; }

  /// @throws InvalidArgument  a key that is not known, at its place
  void check_keys(const toml::table& table, const std::vector<std::string>& known) const;
  std::string text(const toml::node& node, std::string_view what) const;
  /// A whole number, or a text whose value is one.
  long integer(const toml::node& node, std::string_view what, long least, long most) const;
  /// A number as it stands: finite, or it is refused.
  double number(const toml::node& node, std::string_view what) const;
  Expression expression(const toml::node& node) const;

 private:
  void read_parameters(const std::map<std::string, ModelValue>& overrides);

  Json scope_;
  std::map<std::string, std::string> parameters_;
};

/// A number, a text that says how it comes about, or a pair of them, [re, im].
class Coefficient {
 public:
  /// @throws InvalidArgument  none of these
  Coefficient(const FileReader& reader, const toml::node& node, std::string_view what);
  /// @throws InvalidArgument  a name that the scope does not have, a value that is not finite
  std::complex<double> value(const Json& scope) const;
  /// Whether it says anything about `name`.
  bool uses(std::string_view name) const;

 private:
  struct Part {
    double number = 0;
    std::optional<Expression> formula = {};
  };
  Part part(const toml::node& node) const;
  double value(const Part& part, const Json& scope) const;

  const FileReader* reader_;
  const toml::node* node_;
  std::string what_;
  Part re_, im_;
};

}  // namespace kronsolve::detail
