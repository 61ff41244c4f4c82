#pragma once
// A request for a model, checked: what the formulas read their numbers from.

#include <map>
#include <string>
#include <vector>

#include <kronsolve/operators/models.hpp>

namespace kronsolve::detail {

class ModelArguments {
 public:
  /// @throws InvalidArgument  anything in `options` that the model does not have
  ModelArguments(const ModelInfo& info, const ModelOptions& options);

  const Lattice& lattice() const noexcept { return lattice_; }
  int sites() const noexcept { return lattice_.sites(); }
  const LocalSpace& space() const noexcept { return space_; }

  bool given(const std::string& name) const { return given_.contains(name); }
  const std::string& text(const std::string& name) const;
  double number(const std::string& name) const;
  /// @throws InvalidArgument  not an integer in [least, most]
  long integer(const std::string& name, long least, long most) const;
  /// Numbers separated by commas.
  /// @throws InvalidArgument  not exactly `count` of them
  std::vector<double> numbers(const std::string& name, int count) const;
  /// "model mbl: parameter dist" for messages; the name that was given, where one stands for others.
  std::string where(const std::string& parameter) const;
  /// Parameters that apply, with their values.
  const std::map<std::string, std::string>& values() const noexcept { return values_; }

 private:
  void read_parameters(const ModelOptions& options);
  const ModelInfo& info_;
  std::map<std::string, std::string> given_;
  std::map<std::string, std::string> values_;
  std::map<std::string, std::string> written_as_;  ///< parameters given by one that stands for them
  Lattice lattice_;
  LocalSpace space_;
};

/// A model's formula. One function per model, in model_formulas.cpp.
using ModelFormula = OpSum (*)(const ModelArguments&);
struct ModelEntry {
  ModelInfo info;
  ModelFormula formula;
};
const std::vector<ModelEntry>& model_entries();

}  // namespace kronsolve::detail
