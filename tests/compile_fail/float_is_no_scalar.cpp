// error: template constraint failure|constraints not satisfied
// The engines know two scalars; a third must not slip through a template.
#include <kronsolve/core/csr_rows.hpp>

int main() {
#ifdef KRONSOLVE_CONTROL
  const kronsolve::CsrRows<double> rows;
#else
  const kronsolve::CsrRows<float> rows;
#endif
  return static_cast<int>(rows.entries());
}
