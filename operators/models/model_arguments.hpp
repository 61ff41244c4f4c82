#pragma once
// A request for a model, checked: what the formulas read their numbers from.

#include <array>
#include <map>
#include <string>
#include <vector>

#include <kronsolve/operators/models.hpp>

namespace kronsolve::detail {

class ModelArguments {
 public:
  /// @param layers  sites of each place of the lattice
  /// @throws InvalidArgument  anything in `options` that the model does not have
  ModelArguments(const ModelInfo& info, int layers, const ModelOptions& options);

  const std::string& name() const noexcept { return info_.name; }
  const Lattice& lattice() const noexcept { return lattice_; }
  int sites() const noexcept { return lattice_.sites(); }
  const LocalSpace& space() const noexcept { return space_; }

  bool given(const std::string& name) const { return given_.contains(name); }
  /// Whether the model has such a parameter, with a value.
  bool has(const std::string& name) const { return values_.contains(name); }
  const std::string& text(const std::string& name) const;
  double number(const std::string& name) const;
  /// @throws InvalidArgument  not an integer in [least, most]
  long integer(const std::string& name, long least, long most) const;
  /// Numbers separated by commas, one or more.
  std::vector<double> list(const std::string& name) const;
  /// @throws InvalidArgument  not exactly `count` of them
  std::vector<double> numbers(const std::string& name, int count) const;
  /// A number for each site: a list that is repeated, or staggered:H, +H and -H on the two
  /// sublattices.
  /// @throws InvalidArgument  numbers that do not divide the sites, no sublattices
  std::vector<double> pattern(const std::string& name) const;
  /// 1 and -1 on the two sublattices.
  /// @throws InvalidArgument  there are none, naming the parameter that asks for them
  std::vector<int> sublattices(const std::string& name) const;
  /// What the twist turns a bond by; 0 for models without one.
  double angle(const Bond& bond) const { return lattice_.angle(bond, twist_); }
  bool is_twisted() const { return twist_[0] != 0 || twist_[1] != 0; }
  /// "model mbl: parameter dist" for messages; the name that was given, where one stands for others.
  std::string where(const std::string& parameter) const;
  /// Parameters that apply, with their values.
  const std::map<std::string, std::string>& values() const noexcept { return values_; }

 private:
  void read_parameters(const ModelOptions& options);
  void read_twist();
  const ModelInfo& info_;
  std::map<std::string, ModelValue> given_;
  std::map<std::string, std::string> values_;
  std::map<std::string, std::string> written_as_;  ///< parameters given by one that stands for them
  Lattice lattice_;
  LocalSpace space_;  ///< of models whose sites are all of one kind
  std::array<double, 2> twist_ = {0, 0};
};

/// A model's formula. One function per model, in model_formulas.cpp.
using ModelFormula = OpSum (*)(const ModelArguments&);
struct ModelEntry {
  ModelInfo info;
  ModelFormula formula;
  int layers = 1;  ///< sites of each place of the lattice
};
const std::vector<ModelEntry>& model_entries();

}  // namespace kronsolve::detail
