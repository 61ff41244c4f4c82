#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/state_view.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "core/counted.hpp"

namespace kronsolve {

template <Scalar T>
void require_fitting(const StateView<T>& psi, std::string_view where) {
  const index_t rows = psi.partition().range(psi.comm().rank()).size();
  if (!is_complex<T> && psi.basis().scalar() == ScalarKind::complex)
    throw InvalidArgument(
        detail::concat(where, ": states of this sector are complex, got real amplitudes"));
  psi.comm().agree([&] {
    if (static_cast<index_t>(psi.owned().size()) != rows)
      throw DimensionError(detail::concat(where, ": rank ", psi.comm().rank(), " owns ",
                                          detail::counted(rows, "row"), " of the basis, got ",
                                          psi.owned().size(), " amplitudes"));
  });
}

template <Scalar T>
T overlap(const StateView<T>& a, const StateView<T>& b) {
  require_fitting(a, "overlap");
  require_fitting(b, "overlap");
  const Basis &left = a.basis(), &right = b.basis();
  if (&left != &right && (left.spaces() != right.spaces() || left.sector() != right.sector() ||
                          left.size() != right.size()))
    throw DimensionError(detail::concat("overlap: the states must be in the same basis, got ",
                                        left.size(), " and ", detail::counted(right.size(), "row"),
                                        " on ", left.sites(), " and ",
                                        detail::counted(right.sites(), "site")));
  return vec::dot(a.comm(), a.owned(), b.owned());
}

template <Scalar T>
double norm(const StateView<T>& psi) {
  require_fitting(psi, "norm");
  return vec::norm(psi.comm(), psi.owned());
}

#define KRONSOLVE_INSTANTIATE(T)                                        \
  template void require_fitting(const StateView<T>&, std::string_view); \
  template T overlap(const StateView<T>&, const StateView<T>&);         \
  template double norm(const StateView<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
