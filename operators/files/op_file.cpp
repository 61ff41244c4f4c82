#include <algorithm>
#include <cmath>

#include <toml++/toml.h>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/core/toml_text.hpp>
#include <kronsolve/operators/op_file.hpp>

namespace kronsolve {

namespace {

/// A parsed file and the errors about it, each with the place it is about.
class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : name_(name) {
    detail::require_plain_toml(text, name);
    try {
      table_ = toml::parse(text, name);
    } catch (const toml::parse_error& error) {
      fail(error.source().begin, error.description());
    }
  }

  OpSum read() {
    check_keys();
    OpSum sum(spaces());
    read_definitions(sum);
    read_terms(sum);
    return sum;
  }

 private:
  [[noreturn]] void fail(const toml::source_position& at, std::string_view text) const {
    throw InvalidArgument(detail::concat(name_, ":", at.line, ":", at.column, ": ", text));
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

  void check_keys() const {
    const std::vector<std::string> known = {"sites", "local", "terms", "define"};
    for (const auto& [key, value] : table_)
      if (std::find(known.begin(), known.end(), key.str()) == known.end())
        fail(key.source().begin, unknown_name("key", key.str(), known));
  }

  const toml::node& required(std::string_view key, std::string_view example) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr)
      throw InvalidArgument(
          detail::concat(name_, ": the key '", key, "' is missing; write for example ", example));
    return *node;
  }

  std::vector<LocalSpace> spaces() const {
    const auto& node = required("sites", "sites = 3");
    const auto sites = node.value_exact<std::int64_t>();
    constexpr std::int64_t most = 4096;
    if (!sites || *sites < 1 || *sites > most)
      fail(node, detail::concat("sites must be a whole number from 1 to ", most));
    const auto count = static_cast<std::size_t>(*sites);
    const toml::node* local = table_.get("local");
    if (local == nullptr) return std::vector<LocalSpace>(count);
    if (const auto* list = local->as_array()) {
      if (list->size() != count)
        fail(*local, detail::concat("local must have one entry per site, got ", list->size(),
                                    " for ", count, " sites"));
      std::vector<LocalSpace> result;
      for (const auto& entry : *list) result.push_back(space(entry));
      return result;
    }
    return std::vector<LocalSpace>(count, space(*local));
  }

  LocalSpace space(const toml::node& node) const {
    const auto text = node.value_exact<std::string>();
    if (!text) fail(node, "a local space is a text such as \"spin-1/2\" or \"boson:4\"");
    return located(node, [&] { return LocalSpace::parse(*text); });
  }

  std::complex<double> number(const toml::node& node, std::string_view what) const {
    const auto real = [&](const toml::node& n) {
      const auto value = n.value<double>();
      if (!n.is_number() || !value)
        fail(n, detail::concat(what, " must be a number or a pair [re, im]"));
      if (!std::isfinite(*value)) fail(n, detail::concat(what, " must be finite, got ", *value));
      return *value;
    };
    if (const auto* pair = node.as_array()) {
      if (pair->size() != 2)
        fail(node, detail::concat(what, " must be a number or a pair [re, im]"));
      return {real((*pair)[0]), real((*pair)[1])};
    }
    return real(node);
  }

  void read_definitions(OpSum& sum) const {
    const toml::node* node = table_.get("define");
    if (node == nullptr) return;
    const auto* definitions = node->as_table();
    if (definitions == nullptr) fail(*node, "define must be a table, define.NAME = [[...], ...]");
    for (const auto& [key, value] : *definitions) {
      const auto matrix = local_matrix(value);
      located(value, [&, name = std::string(key.str())] { sum.define(name, matrix); });
    }
  }

  LocalMatrix local_matrix(const toml::node& node) const {
    const auto* rows = node.as_array();
    if (rows == nullptr || rows->empty()) fail(node, "a matrix is a list of its rows");
    const auto dim = rows->size();
    if (dim > 255) fail(node, detail::concat("a local matrix has at most 255 rows, got ", dim));
    std::vector<std::complex<double>> values;
    for (const auto& entry : *rows) {
      const auto* row = entry.as_array();
      if (row == nullptr || row->size() != dim)
        fail(entry, detail::concat("a matrix of ", dim, " rows needs ", dim, " entries in each"));
      for (const auto& value : *row) values.push_back(number(value, "a matrix entry"));
    }
    return {static_cast<int>(dim), std::move(values)};
  }

  void read_terms(OpSum& sum) const {
    const auto& node = required("terms", "terms = [[1.0, \"Sz\", 0, \"Sz\", 1]]");
    const auto* list = node.as_array();
    if (list == nullptr || list->empty()) fail(node, "terms must be a list of terms, at least one");
    for (const auto& entry : *list) read_term(sum, entry);
  }

  void read_term(OpSum& sum, const toml::node& node) const {
    const auto* term = node.as_array();
    if (term == nullptr || term->size() % 2 == 0)
      fail(node, "a term is [coefficient, \"operator\", site, \"operator\", site, ...]");
    const auto coefficient = number((*term)[0], "a coefficient");
    std::vector<OpFactor> factors;
    for (std::size_t i = 1; i < term->size(); i += 2) {
      const auto op = (*term)[i].value_exact<std::string>();
      if (!op) fail((*term)[i], "an operator name must be a text such as \"Sz\"");
      const auto site = (*term)[i + 1].value_exact<std::int64_t>();
      if (!site || *site < 0 || *site >= sum.sites())
        fail((*term)[i + 1], detail::concat("a site must be a whole number in [0, ",
                                            sum.sites() - 1, "]", got((*term)[i + 1])));
      factors.push_back({*op, static_cast<int>(*site)});
    }
    located(node, [&] { sum.add(coefficient, std::move(factors)); });
  }

  static std::string got(const toml::node& node) {
    if (const auto whole = node.value_exact<std::int64_t>())
      return detail::concat(", got ", *whole);
    return "";
  }

  const std::string& name_;
  toml::table table_;
};

}  // namespace

OpSum parse_operator_file(std::string_view text, const std::string& name) {
  return Reader(text, name).read();
}

OpSum read_operator_file(const Comm& comm, const std::string& path) {
  std::string text;
  comm.agree([&] {
    if (comm.is_root()) text = read_text_file(path);
  });
  // Measured: 28 bytes for each of the text, its tree of values and the terms.
  constexpr index_t bytes_each = 28;
  const index_t size = comm.all_reduce(static_cast<index_t>(text.size()), Reduce::max);
  if (size > index_t{1} << 20)
    require_memory(comm, bytes_each * size, detail::concat("the operator of '", path, "'"));
  return parse_operator_file(comm.broadcast(std::move(text)), path);
}

}  // namespace kronsolve
