#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <kronsolve/core/error.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Global rows, columns and counts. Ranks are `int`.
using index_t = std::int64_t;

namespace detail {
[[noreturn]] KRONSOLVE_EXPORT void narrow_failed(std::string_view what, const std::string& value,
                                                 const std::string& limit);
}

/// Converts between integer types, checked.
/// @throws NotSupported  the value does not fit; the text names `what`, the value and the limit
template <std::integral To, std::integral From>
constexpr To narrow(From value, std::string_view what) {
  if (!std::in_range<To>(value))
    detail::narrow_failed(what, std::to_string(value),
                          std::to_string(std::numeric_limits<To>::max()));
  return static_cast<To>(value);
}

/// a*b for sizes >= 0.
/// @throws InvalidArgument  the product exceeds 64 bits; the text names `what`
KRONSOLVE_EXPORT index_t checked_multiply(index_t a, index_t b, std::string_view what);
/// a+b for sizes >= 0.
/// @throws InvalidArgument  the sum exceeds 64 bits; the text names `what`
KRONSOLVE_EXPORT index_t checked_add(index_t a, index_t b, std::string_view what);

}  // namespace kronsolve
