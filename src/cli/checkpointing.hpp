#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <kronsolve/solvers/checkpoint.hpp>

#include "cli/problem.hpp"
#include "cli/run_again.hpp"
#include "cli/saved_file.hpp"

namespace kronsolve::cli {

/// What makes a problem another one.
struct Identity {
  std::string title;
  std::vector<std::string> sector;
  std::map<std::string, std::string> parameters;
  StateOrigin origin;
  std::string matrix;  ///< that of a file, as matrix_text says; empty for an operator on sites
};
/// Collective.
Identity identity_of(const Comm& comm, const Arguments& arguments, const Problem& problem);
/// A checksum of all entries, whoever holds them. Collective.
template <Scalar T>
std::string matrix_text(const Comm& comm, const CsrRows<T>& rows);

/// What --checkpoint and --resume ask for, on its way through one run. Without them nothing
/// happens.
class Checkpointing {
 public:
  /// Finds out what is there, says where the run begins, and lists what must be the same in a run
  /// that goes on. Collective.
  /// @throws InvalidArgument  there is something else than a checkpoint of this problem
  /// @throws IoError          it cannot be read, or none can be written
  /// @throws Error            the job ends before anything could be done
  Checkpointing(const Comm& comm, const Arguments& arguments,
                const std::function<Identity()>& identity_of_problem);
  Checkpoint* get() noexcept { return checkpoint_ ? &*checkpoint_ : nullptr; }

 private:
  std::optional<EndRequests> requests_;
  std::optional<Checkpoint> checkpoint_;
};

}  // namespace kronsolve::cli
