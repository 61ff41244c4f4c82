#pragma once

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kronsolve/core/number.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

/// A parameter of a model.
struct ModelParameter {  ///< as `-p` takes it
  std::string name;
  std::string default_value;  ///< as the user would write it; empty if it only stands for others
  std::string doc;            ///< one line
  std::vector<std::string> stands_for =
      {};  ///< giving it gives all of these; not together with one of them
};

/// What a model is, for people and for checking requests.
struct ModelInfo {
  std::string name;                        ///< as `--model` takes it
  std::string formula;                     ///< one line
  std::vector<ModelParameter> parameters;  ///< in the order of the documentation
  std::vector<std::string> lattices;  ///< where it lives, the default of a line first; of an area,
                                      ///< the first that has one
  std::string local;  ///< its local space; "spin-S" if the spin can be chosen; several in turn
};

/// All models, in the order of the documentation.
KRONSOLVE_EXPORT const std::vector<ModelInfo>& models();
/// @throws InvalidArgument  unknown name; suggests the nearest
KRONSOLVE_EXPORT const ModelInfo& model_info(std::string_view name);

/// The value of a parameter: a number, or text as the user writes it ("1/2").
class ModelValue {
 public:
  ModelValue() = default;
  /// Of a number; text() then is its shortest form.
  ModelValue(double value) : text_(shortest_text(value)) {}
  /// The same of a whole number.
  template <std::integral Number>
  requires(!std::same_as<Number, bool>) ModelValue(Number value) : text_(shortest_text(value)) {}
  /// Text as the user writes it.
  ModelValue(std::string text) : text_(std::move(text)) {}
  /// The same.
  ModelValue(const char* text) : text_(text) {}

  /// Text that gives the same number when it is read.
  const std::string& text() const noexcept { return text_; }
  friend bool operator==(const ModelValue&, const ModelValue&) = default;

 private:
  std::string text_;
};

/// Which instance of a model is wanted. What is empty or 0 has not been given.
struct ModelOptions {
  int sites = 0;               ///< of the operator; follows from `size`, `cluster` or `edges`
  std::vector<int> size = {};  ///< {LX, LY} in cells
  std::optional<ClusterVectors> cluster = {};  ///< in place of a size
  Cyclic cyclic = Cyclic::none;                ///< directions in which the lattice closes on itself
  std::string lattice = {};                    ///< a name of Lattice::names(), or "edges"
  std::vector<Bond> edges = {};                ///< of the lattice "edges"
  std::string spin = {};                       ///< "1/2" (default), "1", "3/2", "0.5" ...
  std::map<std::string, ModelValue> params = {};  ///< numbers or text: {{"delta", 0.5}}
};

/// A Hamiltonian and where it lives.
struct Model {
  std::string name;                           ///< of the formula
  OpSum op;                                   ///< the Hamiltonian
  Lattice lattice;                            ///< where its sites are
  std::map<std::string, std::string> params;  ///< every parameter that applies, defaults included
};

/// Builds a model. Local; O(terms). Formulas, signs and defaults: docs/models.md.
///
/// Random fields depend on the seed and the site alone: they are the same on every rank and
/// machine.
/// @throws InvalidArgument  unknown model, parameter, lattice or value; a parameter given twice in
///                          two ways (`j` and `jx`); NaN or infinity; sites < 1; a spin that is not
///                          a positive half-integer; what the model does not have
KRONSOLVE_EXPORT Model make_model(std::string_view name, const ModelOptions& options);

/// A finite number: "0.5", "-2", "1e-3", "1/2".
/// @throws InvalidArgument  naming `what`
KRONSOLVE_EXPORT double parse_number(const std::string& text, const std::string& what);
/// Twice a half-integer: "1/2" -> 1, "-1.5" -> -3, "2" -> 4.
/// @throws InvalidArgument  not a half-integer; naming `what`
KRONSOLVE_EXPORT int parse_twice_half_integer(const std::string& text, const std::string& what);

}  // namespace kronsolve
