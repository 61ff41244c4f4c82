#include "cli/checkpointing.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <kronsolve/core/file.hpp>

#include "cli/saved_file.hpp"
#include "cli/text.hpp"
#include "core/rows_checksum.hpp"

namespace kronsolve::cli {

namespace {

/// The state of an evolution; of a file what its checksum says.
std::string state_text(const Comm& comm, const EvolveArguments& asked) {
  std::string text = asked.state;
  if (const auto file = parse_state_file(asked.state)) {
    std::string seal(64, '\0');
    comm.agree([&] {
      if (!comm.is_root()) return;
      const InputFile input(file->path);
      (void)input.read(std::max<index_t>(0, input.size() - 64), seal);
    });
    text += ": " + comm.broadcast(std::move(seal)).substr(0, 63);
  }
  return asked.state == "random" ? fmt::format("random, seed {}", asked.seed) : text;
}

/// A job that ends before a step is done would be queued again and again.
void require_time(const Comm& comm) {
  comm.agree([&] {
    const double left = end_of_job() - time_now();
    constexpr double least = 3 * seconds_to_leave;
    if (comm.is_root() && left < least)
      throw Error(fmt::format(
          "the job ends in {:.0f} s, before anything could be done; give it more time", left));
  });
}

}  // namespace

template <Scalar T>
std::string matrix_text(const Comm& comm, const CsrRows<T>& rows) {
  detail::RowsChecksum all;
  for (index_t i = rows.range.begin; i < rows.range.end; ++i)
    all.add(i, rows.row_columns(i), rows.row_values(i));
  return fmt::format("checksum {:016x}", all.of_all(comm));
}

template std::string matrix_text(const Comm&, const CsrRows<double>&);
template std::string matrix_text(const Comm&, const CsrRows<std::complex<double>>&);

Identity identity_of(const Comm& comm, const Arguments& arguments, const Problem& problem) {
  const auto matrix = [&]<class Op>(const Op& op) -> std::string {
    if constexpr (std::is_same_v<Op, SectorOperator>)
      return {};
    else
      return matrix_text(comm, op);
  };
  return {problem.title, problem.sector, problem.parameters, origin_of(arguments, problem),
          std::visit(matrix, problem.op)};
}

Checkpointing::Checkpointing(const Comm& comm, const Arguments& arguments,
                             const std::function<Identity()>& identity_of_problem) {
  const auto& asked = arguments.checkpoint;
  if (asked.path.empty() && asked.resume.empty()) return;
  CheckpointOptions options{.path = asked.path,
                            .resume = asked.resume,
                            .every = asked.every,
                            .required = !asked.stop,
                            .stop = asked.stop};
  if (!asked.path.empty() && !asked.stop) {
    requests_.emplace();
    require_time(comm);
    require_writable(comm, asked.path);
    options.stop = [this] { return requests_->asked(); };
  }
  if (!asked.stop)
    options.tell = [](const std::string& found) { fmt::print(stderr, "kronsolve: {}\n", found); };
  auto& checkpoint = checkpoint_.emplace(comm, std::move(options));
  if (asked.stop && checkpoint.resumes() && comm.is_root())
    fmt::print(stderr, "kronsolve: {}\n", checkpoint.found());
  const Identity identity = identity_of_problem();
  checkpoint.identify("command", arguments.command == "ground" ? "eigh" : arguments.command);
  checkpoint.identify("model", identity.title);
  checkpoint.identify("sector", joined(identity.sector));
  for (const auto& [name, value] : identity.parameters) checkpoint.identify("-p " + name, value);
  checkpoint.identify("basis", identity.origin.basis);
  checkpoint.identify("operator", identity.matrix.empty() ? identity.origin.description
                                                          : "matrix, " + identity.matrix);
  if (arguments.command != "evolve") return;
  checkpoint.identify("state", state_text(comm, arguments.evolve));
  checkpoint.identify("observe", joined(arguments.observe));
}

}  // namespace kronsolve::cli
