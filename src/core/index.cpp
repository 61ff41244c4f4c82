#include <kronsolve/core/index.hpp>

namespace kronsolve {

void detail::narrow_failed(std::string_view what, const std::string& value,
                           const std::string& limit) {
  throw NotSupported(
      concat(what, " = ", value, " exceeds ", limit, ", the largest that this interface can take"));
}

index_t checked_multiply(index_t a, index_t b, std::string_view what) {
  index_t result = 0;
  if (__builtin_mul_overflow(a, b, &result))
    throw InvalidArgument(detail::concat(what, " overflows 64 bits (", a, " x ", b,
                                         "); make the system smaller or choose a sector"));
  return result;
}

index_t checked_add(index_t a, index_t b, std::string_view what) {
  index_t result = 0;
  if (__builtin_add_overflow(a, b, &result))
    throw InvalidArgument(detail::concat(what, " overflows 64 bits (", a, " + ", b,
                                         "); make the system smaller or choose a sector"));
  return result;
}

}  // namespace kronsolve
