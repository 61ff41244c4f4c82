#include "operators/files/file_lattice.hpp"

#include <algorithm>
#include <filesystem>

#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>

#include "core/counted.hpp"

namespace kronsolve::detail {

namespace {

constexpr long most_sites = 10000;

Cyclic cyclic_of(const FileReader& file) {
  const toml::node* node = file.table().get("cyclic");
  if (node == nullptr) return Cyclic::none;
  if (const auto flag = node->value_exact<bool>()) return *flag ? Cyclic::all : Cyclic::none;
  const auto word = node->value_exact<std::string>();
  if (word && *word == "x") return Cyclic::x;
  if (word && *word == "y") return Cyclic::y;
  file.fail(*node, "cyclic must be true, false, \"x\" or \"y\"");
}

/// 8, "L", [4, "L"] or "4x4"; nothing if not given.
std::vector<int> size_of(const FileReader& file) {
  const toml::node* node = file.table().get("size");
  if (node == nullptr) return {};
  constexpr std::string_view what = "a length";
  const auto length = [&](const toml::node& one) {
    return static_cast<int>(file.integer(one, what, 1, most_sites));
  };
  if (const auto* list = node->as_array()) {
    std::vector<int> size;
    for (const auto& one : *list) size.push_back(length(one));
    return size;
  }
  if (const auto text = node->value_exact<std::string>())
    if (const auto by = text->find('x'); by != text->npos) {
      const auto x = read_number<int>(std::string_view(*text).substr(0, by));
      const auto y = read_number<int>(std::string_view(*text).substr(by + 1));
      if (x && y && std::min(*x, *y) >= 1 && std::max(*x, *y) <= most_sites) return {*x, *y};
    }
  return {length(*node)};
}

ClusterVectors cluster_of(const FileReader& file, const toml::node& node) {
  const auto* rows = node.as_array();
  ClusterVectors vectors{};
  const auto refuse = [&] { file.fail(node, "cluster must be two vectors, [[3, 1], [-1, 3]]"); };
  if (rows == nullptr || rows->size() != 2) refuse();
  for (std::size_t i = 0; i < 2; ++i) {
    const auto* row = (*rows)[i].as_array();
    if (row == nullptr || row->size() != 2) refuse();
    for (std::size_t k = 0; k < 2; ++k)
      vectors[i][k] = static_cast<int>(
          file.integer((*row)[k], "a part of a cluster's vector", -most_sites, most_sites));
  }
  return vectors;
}

/// A file beside the operator file, or the edges themselves: [a, b], [a, b, weight], [a, b, kind,
/// weight].
std::vector<Bond> edges_of(const FileReader& file, const toml::node& node, const Comm& comm) {
  if (const auto path = node.value_exact<std::string>())
    return read_edges(comm, (std::filesystem::path(file.name()).parent_path() / *path).string());
  const auto* list = node.as_array();
  if (list == nullptr || list->empty())
    file.fail(node, "edges must be the name of a file, or a list such as [[0, 1], [1, 2, 0.5]]");
  std::vector<Bond> edges;
  for (const auto& one : *list) {
    const auto* edge = one.as_array();
    if (edge == nullptr || edge->size() < 2 || edge->size() > 4)
      file.fail(one, "an edge is [a, b], [a, b, weight] or [a, b, kind, weight]");
    const auto whole = [&](std::size_t k) {
      return static_cast<int>(file.integer((*edge)[k], "a site or kind", 0, most_sites));
    };
    Bond bond{whole(0), whole(1)};
    if (edge->size() > 3) bond.kind = whole(2);
    if (edge->size() > 2) bond.weight = file.number((*edge)[edge->size() - 1], "a weight");
    edges.push_back(bond);
  }
  return edges;
}

}  // namespace

Lattice lattice_of(const FileReader& file, const Comm& comm) {
  const auto& table = file.table();
  const auto at = [&](const char* key) { return table.get(key); };
  int sites = 0;
  constexpr long most_named = 4096;  // one by one in terms; lattices have more
  if (const auto* node = at("sites"))
    sites = static_cast<int>(file.integer(*node, "sites", 1, most_named));
  const auto exclude = [&](const char* one, std::initializer_list<const char*> others) {
    for (const auto* other : others)
      if (at(one) != nullptr && at(other) != nullptr)
        file.fail(*at(other), concat(one, " says it all; leave out ", other));
  };
  exclude("edges", {"lattice", "size", "cyclic", "cluster"});
  exclude("cluster", {"size", "cyclic"});
  if (const auto* node = at("edges")) {
    const auto edges = edges_of(file, *node, comm);
    if (sites == 0)
      for (const Bond& edge : edges) sites = std::max({sites, edge.a + 1, edge.b + 1});
    return file.located(*node, [&] { return Lattice::from_edges(sites, edges); });
  }
  const auto* named = at("lattice");
  const std::string name = named == nullptr ? "chain" : file.text(*named, "lattice");
  if (const auto& known = Lattice::names();
      std::find(known.begin(), known.end(), name) == known.end())
    file.fail(*named, unknown_name("lattice", name, known));
  auto size = size_of(file);
  if (size.empty() && at("cluster") == nullptr) {
    if (sites == 0)
      throw InvalidArgument(concat(file.name(),
                                   ": the key 'sites' is missing; write for example "
                                   "sites = 3, or lattice = \"square\" and size = [4, 4]"));
    size = {sites};
  }
  const auto* place = at("size") != nullptr ? at("size") : named != nullptr ? named : at("sites");
  if (const auto* cluster = at("cluster")) place = cluster;
  Lattice lattice = file.located(*place, [&] {
    return at("cluster") != nullptr ? Lattice::make_cluster(name, cluster_of(file, *at("cluster")))
                                    : Lattice::make(name, size, cyclic_of(file));
  });
  if (sites != 0 && sites != lattice.sites())
    file.fail(*at("sites"), concat("this lattice has ", detail::counted(lattice.sites(), "site"),
                                   ", not ", sites, "; leave one of the two out"));
  return lattice;
}

}  // namespace kronsolve::detail
