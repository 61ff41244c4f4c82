#include <kronsolve/solvers/preconditioner.hpp>

namespace kronsolve {

std::string_view to_string(Preconditioner preconditioner) {
  switch (preconditioner) {
    case Preconditioner::automatic:
      return "auto";
    case Preconditioner::none:
      return "none";
    case Preconditioner::jacobi:
      return "jacobi";
    case Preconditioner::block_jacobi:
      return "block-jacobi";
    case Preconditioner::multigrid:
      break;
  }
  return "multigrid";
}

}  // namespace kronsolve
