#pragma once

#include <string>
#include <vector>

namespace kronsolve::cli {

/// What a word that we do not know means elsewhere, said with our own options: "-n" is "--sites N".
/// Empty if there is no such, or the command has no such option.
/// @param options  those of the command, "-k" and "--sites"
std::string meant_option(const std::string& given, const std::vector<std::string>& options);

/// The same for a word that stands alone: a model, or a file.
std::string meant_argument(const std::string& given, const std::vector<std::string>& options);

}  // namespace kronsolve::cli
