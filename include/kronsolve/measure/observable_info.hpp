#pragma once

#include <string>
#include <vector>

#include <kronsolve/export.hpp>

namespace kronsolve {

/// What an observable is, for people.
struct ObservableInfo {
  std::string name;     ///< the word that an observable begins with
  std::string form;     ///< how it is written, with what may stand behind the name
  std::string formula;  ///< what it comes to, one line
  std::string example;  ///< a text that `Observable::parse` takes
};

/// All that `Observable::parse` knows, in the order of the documentation.
KRONSOLVE_EXPORT const std::vector<ObservableInfo>& observables();

}  // namespace kronsolve
