#include "cli/checkpointing.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <kronsolve/core/file.hpp>

#include "cli/saved_file.hpp"
#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

/// Of all entries, whoever holds them.
template <Scalar T>
std::uint64_t checksum_of(const Comm& comm, const CsrRows<T>& rows) {
  std::uint64_t all = 0;
  for (index_t i = rows.range.begin; i < rows.range.end; ++i) {
    Checksum sum;
    const auto columns = rows.row_columns(i);
    const auto values = rows.row_values(i);
    sum.add({reinterpret_cast<const char*>(&i), sizeof(i)});
    sum.add({reinterpret_cast<const char*>(columns.data()), columns.size_bytes()});
    sum.add({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
    all ^= sum.value();
  }
  return comm.all_reduce(all, Reduce::bit_xor);
}

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

void identify(const Comm& comm, Checkpoint& checkpoint, const Arguments& arguments,
              const Problem& problem) {
  checkpoint.identify("command", arguments.command == "ground" ? "eigh" : arguments.command);
  checkpoint.identify("model", problem.title);
  checkpoint.identify("sector", joined(problem.sector));
  for (const auto& [name, value] : problem.parameters) checkpoint.identify("-p " + name, value);
  const auto origin = origin_of(arguments, problem);
  checkpoint.identify("basis", origin.basis);
  if (const auto* real = std::get_if<CsrRows<double>>(&problem.op))
    checkpoint.identify("matrix", fmt::format("checksum {:016x}", checksum_of(comm, *real)));
  else if (const auto* rows = std::get_if<CsrRows<std::complex<double>>>(&problem.op))
    checkpoint.identify("matrix", fmt::format("checksum {:016x}", checksum_of(comm, *rows)));
  else
    checkpoint.identify("operator", origin.description);
  if (arguments.command != "evolve") return;
  checkpoint.identify("state", state_text(comm, arguments.evolve));
  checkpoint.identify("observe", joined(arguments.observe));
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

Checkpointing::Checkpointing(const Comm& comm, const Arguments& arguments, const Problem& problem) {
  const auto& asked = arguments.checkpoint;
  if (asked.path.empty() && asked.resume.empty()) return;
  CheckpointOptions options{.path = asked.path, .resume = asked.resume, .every = asked.every};
  if (!asked.path.empty()) {
    require_time(comm);
    require_writable(comm, asked.path);
    requests_.emplace();
    options.stop = [this] { return requests_->asked(); };
  }
  options.tell = [](const std::string& found) { fmt::print(stderr, "kronsolve: {}\n", found); };
  checkpoint_.emplace(comm, std::move(options));
  identify(comm, *checkpoint_, arguments, problem);
}

}  // namespace kronsolve::cli
