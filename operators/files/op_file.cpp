#include <algorithm>
#include <cmath>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/local_rule.hpp>
#include <kronsolve/operators/op_file.hpp>

#include "core/counted.hpp"
#include "operators/files/file_blocks.hpp"
#include "operators/files/file_drives.hpp"
#include "operators/files/file_lattice.hpp"
#include "operators/files/file_reader.hpp"

namespace kronsolve {

namespace {

using detail::Coefficient;
using detail::concat;
using detail::FileReader;

class Reader {
 public:
  Reader(std::string_view text, const std::string& name, const Comm& comm,
         const std::map<std::string, ModelValue>& overrides)
      : file_(text, name, overrides), comm_(comm) {}

  OperatorFile read() {
    file_.check_keys(file_.table(), {"sites", "lattice", "size", "cyclic", "cluster", "edges",
                                     "local", "parameters", "terms", "bond", "site", "define",
                                     "drive", "rules", "hermitian"});
    for (const char* key : {"bond", "site", "drive"})
      if (const auto* node = file_.table().get(key); node != nullptr && !node->is_array_of_tables())
        file_.fail(*node, concat(key, " must be tables, [[", key, "]]",
                                 key == std::string_view("site") ? "; did you mean sites?" : ""));
    Lattice lattice = detail::lattice_of(file_, comm_);
    file_.set("sites", lattice.sites());
    OpSum sum(spaces(lattice));
    read_definitions(sum);
    auto drives = read_drives(sum, lattice);
    read_terms(sum, file_.table(), !drives.empty());
    detail::add_blocks(sum, file_, file_.table(), lattice, 0);
    auto rules = read_rules(sum.spaces(), lattice);
    const bool hermitian = read_hermitian(!drives.empty());
    return {std::move(sum),    std::move(lattice), file_.parameters(),
            std::move(drives), std::move(rules),   hermitian};
  }

 private:
  bool read_hermitian(bool driven) const {
    const toml::node* node = file_.table().get("hermitian");
    if (node == nullptr) return true;
    const auto value = node->value_exact<bool>();
    if (!value) file_.fail(*node, "hermitian must be true or false");
    if (!*value && driven)
      file_.fail(*node, "hermitian = false goes with no [[drive]]; leave one of them out");
    return *value;
  }

  std::vector<std::string> read_rules(const std::vector<LocalSpace>& spaces,
                                      const Lattice& lattice) const {
    std::vector<std::string> rules;
    const toml::node* node = file_.table().get("rules");
    if (node == nullptr) return rules;
    const auto* list = node->as_array();
    if (list == nullptr || list->empty())
      file_.fail(*node, "rules must be a list of texts, such as [\"blockade\"]");
    for (const auto& entry : *list) {
      const auto text = entry.value_exact<std::string>();
      if (!text || !LocalRule::is_rule(*text))
        file_.fail(entry, "a rule is a text: \"blockade\", \"max-run=2\" or \"forbid=101\"");
      file_.located(entry, [&] { return LocalRule::parse(spaces, lattice, *text); });
      rules.push_back(*text);
    }
    return rules;
  }

  /// One space for all sites, or a list: one for each, or, where a lattice is named, as many as
  /// repeat over them.
  std::vector<LocalSpace> spaces(const Lattice& lattice) const {
    const auto count = static_cast<std::size_t>(lattice.sites());
    const toml::node* local = file_.table().get("local");
    if (local == nullptr) return std::vector<LocalSpace>(count);
    const auto* list = local->as_array();
    if (list == nullptr) return std::vector<LocalSpace>(count, space(*local));
    const bool repeats =
        file_.table().contains("lattice") && !list->empty() && count % list->size() == 0;
    if (list->size() != count && !repeats)
      file_.fail(*local, concat("local must have one entry per site, got ", list->size(), " for ",
                                detail::counted(count, "site")));
    std::vector<LocalSpace> result;
    for (const auto& entry : *list) result.push_back(space(entry));
    for (std::size_t i = list->size(); i < count; ++i) result.push_back(result[i - list->size()]);
    return result;
  }

  LocalSpace space(const toml::node& node) const {
    const auto text = node.value_exact<std::string>();
    if (!text) file_.fail(node, "a local space is a text such as \"spin-1/2\" or \"boson:4\"");
    return file_.located(node, [&] { return LocalSpace::parse(*text); });
  }

  void read_definitions(OpSum& sum) const {
    const toml::node* node = file_.table().get("define");
    if (node == nullptr) return;
    const auto* definitions = node->as_table();
    if (definitions == nullptr)
      file_.fail(*node, "define must be a table, define.NAME = [[...], ...]");
    for (const auto& [key, value] : *definitions) {
      const auto matrix = local_matrix(value);
      file_.located(value, [&, name = std::string(key.str())] { sum.define(name, matrix); });
    }
  }

  LocalMatrix local_matrix(const toml::node& node) const {
    const auto* rows = node.as_array();
    if (rows == nullptr || rows->empty()) file_.fail(node, "a matrix is a list of its rows");
    const auto dim = rows->size();
    if (dim > 255) file_.fail(node, concat("a local matrix has at most 255 rows, got ", dim));
    std::vector<std::complex<double>> values;
    for (const auto& entry : *rows) {
      const auto* row = entry.as_array();
      if (row == nullptr || row->size() != dim)
        file_.fail(entry, concat("a matrix of ", detail::counted(dim, "row"), " needs ", dim,
                                 " entries in each"));
      for (const auto& value : *row)
        values.push_back(Coefficient(file_, value, "a matrix entry").value(file_.scope()));
    }
    return {static_cast<int>(dim), std::move(values)};
  }

  /// @param plain  the sites and definitions of the file, no terms
  std::vector<Drive> read_drives(const OpSum& plain, const Lattice& lattice) const {
    std::vector<Drive> drives;
    const auto* list = file_.table().get_as<toml::array>("drive");
    if (list == nullptr) return drives;
    constexpr std::uint64_t blocks_each = 1 << 16;
    for (const auto& node : *list) {
      const auto& table = file_.table_of(node, "[[drive]]");
      file_.check_keys(table, {"function", "table", "terms", "bond", "site"});
      auto& drive = drives.emplace_back(Drive{detail::time_function(file_, table, node), plain});
      const bool blocks = table.contains("bond") || table.contains("site");
      if (!blocks && !table.contains("terms"))
        file_.fail(node,
                   "a [[drive]] needs what it drives: terms = [[1, \"Sx\", 0]], or below it "
                   "[[drive.site]] and x = 1");
      read_terms(drive.op, table, blocks);
      detail::add_blocks(drive.op, file_, table, lattice, blocks_each * drives.size());
    }
    return drives;
  }

  /// @param may_lack  there are other terms
  void read_terms(OpSum& sum, const toml::table& table, bool may_lack) const {
    const toml::node* node = table.get("terms");
    if (node == nullptr) {
      if (may_lack || table.contains("bond") || table.contains("site")) return;
      throw InvalidArgument(concat(file_.name(),
                                   ": the key 'terms' is missing; write for example terms = [[1.0, "
                                   "\"Sz\", 0, \"Sz\", 1]], or [[bond]] and below it j = 1"));
    }
    const auto* list = node->as_array();
    if (list == nullptr || list->empty())
      file_.fail(*node, "terms must be a list of terms, at least one");
    for (const auto& entry : *list) read_term(sum, entry);
  }

  void read_term(OpSum& sum, const toml::node& node) const {
    const auto* term = node.as_array();
    if (term == nullptr || term->size() % 2 == 0)
      file_.fail(node, "a term is [coefficient, \"operator\", site, \"operator\", site, ...]");
    const auto coefficient = Coefficient(file_, (*term)[0], "a coefficient").value(file_.scope());
    std::vector<OpFactor> factors;
    for (std::size_t i = 1; i < term->size(); i += 2) {
      const auto op = (*term)[i].value_exact<std::string>();
      if (!op) file_.fail((*term)[i], "an operator name must be a text such as \"Sz\"");
      const auto site = (*term)[i + 1].value_exact<std::int64_t>();
      if (!site || *site < 0 || *site >= sum.sites())
        file_.fail((*term)[i + 1], concat("a site must be a whole number in [0, ", sum.sites() - 1,
                                          "]", got((*term)[i + 1])));
      factors.push_back({*op, static_cast<int>(*site)});
    }
    file_.located(node, [&] { sum.add(coefficient, std::move(factors)); });
  }

  static std::string got(const toml::node& node) {
    if (const auto whole = node.value_exact<std::int64_t>()) return concat(", got ", *whole);
    return "";
  }

  FileReader file_;
  const Comm& comm_;
};

}  // namespace

void OperatorFile::require_constant(const std::string& path) const {
  if (!drives.empty())
    throw InvalidArgument(concat("'", path,
                                 "' has a [[drive]], so its operator depends on time; kronsolve "
                                 "evolve follows it, anything else needs a file without"));
}

void OperatorFile::require_hermitian(const std::string& path) const {
  if (!hermitian)
    throw InvalidArgument(concat("'", path,
                                 "' says hermitian = false; kronsolve evolve follows such an "
                                 "operator, anything else needs a Hermitian one"));
  if (const auto term = op.non_hermitian_part())
    throw InvalidArgument(concat(path, ": the operator is not Hermitian: the term ", *term,
                                 " has no Hermitian partner; add it, or write hermitian = false if "
                                 "that is meant (for evolve)"));
}

void OperatorFile::require_no_rules(const std::string& path) const {
  if (!rules.empty())
    throw InvalidArgument(concat("'", path,
                                 "' has rules about configurations, which say nothing here; take "
                                 "a file without, and give them as conditions of the sector"));
}

OperatorFile parse_operator_file(std::string_view text, const std::string& name,
                                 const std::map<std::string, ModelValue>& parameters) {
  const Comm alone;
  return Reader(text, name, alone, parameters).read();
}

OperatorFile read_operator_file(const Comm& comm, const std::string& path,
                                const std::map<std::string, ModelValue>& parameters) {
  std::string text;
  comm.agree([&] {
    if (comm.is_root()) text = read_text_file(path);
  });
  // Measured: 28 bytes for each of the text, its tree of values and the terms.
  constexpr index_t bytes_each = 28;
  const index_t size = comm.all_reduce(static_cast<index_t>(text.size()), Reduce::max);
  if (size > index_t{1} << 20)
    require_memory(comm, bytes_each * size, concat("the operator of '", path, "'"));
  text = comm.broadcast(std::move(text));
  return Reader(text, path, comm, parameters).read();
}

}  // namespace kronsolve
