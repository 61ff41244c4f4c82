#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/export.hpp>

namespace kronsolve {

/// The name in `known` that `given` most likely means: least Damerau-Levenshtein distance, at most
/// a third of the length and at least one edit. Empty if none is near. Local.
KRONSOLVE_EXPORT std::string closest(std::string_view given, std::span<const std::string> known);

/// "unknown <what> '<given>'; known are a, b, c; did you mean b?": the text of an error about a
/// name.
KRONSOLVE_EXPORT std::string unknown_name(std::string_view what, std::string_view given,
                                          std::span<const std::string> known);

}  // namespace kronsolve
