#pragma once

#include <string>
#include <vector>

#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve::frontend {

/// A preconditioner for pairs at an end of the spectrum: of H - shift, which is definite because
/// the shift lies a little beyond that end.
template <Scalar T>
struct EndPreconditioner {
  Preconditioner kind = Preconditioner::none;
  double shift = 0;         ///< jd has one without preconditioner as well
  std::vector<T> diagonal;  ///< owned entries of H - shift, none of them near 0; for jacobi
  std::string note;         ///< for the reason
};

/// What the options ask for, or choose; the end of the spectrum by a few products. Collective.
template <Scalar T>
EndPreconditioner<T> end_preconditioner(const EighProblem<T>& p, const EighOptions& o,
                                        const LinearMap<T>& map);

}  // namespace kronsolve::frontend
