#pragma once
// Forbidden digits, met site by site.

#include <optional>
#include <vector>

#include <kronsolve/operators/digit_paths.hpp>

namespace kronsolve::detail {

/// Which patterns the digits so far have begun and not broken: all that has to be remembered of them.
class OpenPatterns {
 public:
  OpenPatterns(const std::vector<ForbiddenDigits>& forbidden, std::size_t sites) : at_(sites) {
    for (std::size_t f = 0; f < forbidden.size(); ++f)
      for (std::size_t k = 0; k < forbidden[f].sites.size(); ++k)
        at_[static_cast<std::size_t>(forbidden[f].sites[k])].push_back(
            {static_cast<int>(f), forbidden[f].digits[k], k == 0,
             k + 1 == forbidden[f].sites.size()});
  }

  /// Patterns that are open after one more digit, ascending; nothing if one is complete.
  std::optional<std::vector<int>> after(const std::vector<int>& open, std::size_t site,
                                        int digit) const {
    std::vector<int> next;
    auto was = open.begin();
    for (const Place& place : at_[site]) {
      for (; was != open.end() && *was < place.pattern; ++was) next.push_back(*was);
      const bool stood = !place.first && was != open.end() && *was == place.pattern;
      if (stood) ++was;
      if (!(stood || place.first) || digit != place.digit) continue;
      if (place.last) return std::nullopt;
      next.push_back(place.pattern);
    }
    next.insert(next.end(), was, open.end());
    return next;
  }

 private:
  struct Place {
    int pattern, digit;
    bool first, last;  ///< of the pattern's sites
  };
  std::vector<std::vector<Place>> at_;  ///< [site], ascending by pattern
};

}  // namespace kronsolve::detail
