#pragma once

#include <optional>
#include <string>
#include <vector>

#include <kronsolve/operators/models.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/svds.hpp>

namespace kronsolve::cli {

/// Which operator was asked for, as given.
struct OperatorArguments {
  std::string model, terms, matrix;  ///< one of them
  ModelOptions options;              ///< of the model
  std::vector<std::string> sector;
};

/// The command line after all that can be checked without looking at the operator.
struct Arguments {
  std::string command;
  OperatorArguments op;
  EighOptions solve;
  SvdsOptions svds;  ///< of the command svds, in place of `solve`
  std::vector<std::string> observe;
  std::optional<int> threads;
  int ranks = 1;  ///< above 1: on so many workers, started for this run
  bool json = false;
  std::string message;  ///< help or version text: print it and be done
};

/// Reads the command line. Local; the same on every rank.
/// @throws InvalidArgument  an unknown command, option or value; with what is allowed
Arguments parse_arguments(int argc, const char* const* argv);

}  // namespace kronsolve::cli
