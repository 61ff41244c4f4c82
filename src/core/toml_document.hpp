#pragma once

#include <string>
#include <string_view>

#include <toml++/toml.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/toml_text.hpp>

namespace kronsolve::detail {

/// A parsed TOML text; every error about it tells its place, "name:line:column: ...".
class TomlDocument {
 public:
  /// @param name  what errors call the text
  /// @throws InvalidArgument  TOML that does not parse
  TomlDocument(std::string_view text, std::string name) : name_(std::move(name)) {
    require_plain_toml(text, name_);
    try {
      table_ = toml::parse(text, name_);
    } catch (const toml::parse_error& error) {
      fail(error.source().begin, error.description());
    }
  }

  const std::string& name() const noexcept { return name_; }
  const toml::table& table() const noexcept { return table_; }

  [[noreturn]] void fail(const toml::source_position& at, std::string_view text) const {
    throw InvalidArgument(concat(name_, ":", at.line, ":", at.column, ": ", text));
  }
  [[noreturn]] void fail(const toml::node& node, std::string_view text) const {
    fail(node.source().begin, text);
  }
  /// Runs `f`; what it refuses is reported at the place of `node`.
  template <class F>
  auto located(const toml::node& node, F f) const {
    try {
      return f();
    } catch (const InvalidArgument& error) {
      fail(node, error.what());
    }
  }
  /// @param what  its name in the error: "[parameters]"
  const toml::table& table_of(const toml::node& node, std::string_view what) const {
    if (const auto* table = node.as_table()) return *table;
    fail(node, concat(what, " must be a table"));
  }

 private:
  std::string name_;
  toml::table table_;
};

}  // namespace kronsolve::detail
