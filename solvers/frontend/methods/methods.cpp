#include <kronsolve/core/error.hpp>

#include "solvers/frontend/methods/method.hpp"

namespace kronsolve {

namespace frontend {

const EighMethod& method_of(Method method) {
  const auto& found = *eigh_methods.at(static_cast<std::size_t>(method) - 1);
  KRONSOLVE_ASSERT(found.method == method);
  return found;
}

void require_end(const EighOptions& o) {
  if (o.which != Which::SA && o.which != Which::LA)
    throw InvalidArgument(detail::concat("eigh: method ", to_string(o.method),
                                         " finds the ends of the spectrum, SA or LA, got ",
                                         to_string(o.which), "; use slepc or dense"));
}

bool is_targeted(const EighOptions& o) {
  return o.sigma || o.position || o.which == Which::SM || o.interval;
}

}  // namespace frontend

std::string_view to_string(Method method) {
  return method == Method::automatic ? "auto" : frontend::method_of(method).name;
}

std::vector<Method> methods() {
  std::vector<Method> all = {Method::automatic};
  for (const auto* method : frontend::eigh_methods) all.push_back(method->method);
  return all;
}

}  // namespace kronsolve
