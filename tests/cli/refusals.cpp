// Runs many command lines in one process, or on the ranks of one job, as the program does, and says how each ended.
//
// usage: test_cli_refusals ROWS.json RESULTS.json     rows: [["ground", "--sites", "0"], ...]

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <kronsolve/session.hpp>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/report.hpp"

namespace kronsolve::cli {
namespace {

/// What is written to a file descriptor while this lives goes to a file without a name.
class Captured {
 public:
  explicit Captured(int descriptor)
      : descriptor_(descriptor), before_(dup(descriptor)), file_(std::tmpfile()) {
    (void)dup2(fileno(file_), descriptor);
  }
  std::string end() {
    std::cout.flush();
    std::cerr.flush();
    (void)std::fflush(nullptr);
    (void)dup2(before_, descriptor_);
    (void)close(before_);
    std::rewind(file_);
    std::string text;
    for (int c = std::getc(file_); c != EOF; c = std::getc(file_)) text += static_cast<char>(c);
    (void)std::fclose(file_);
    return text;
  }

 private:
  int descriptor_, before_;
  std::FILE* file_;
};

int run(const Comm& comm, const std::vector<std::string>& words) {
  std::vector<const char*> argv = {"kronsolve"};
  for (const auto& word : words) argv.push_back(word.c_str());
  return guarded(comm, [&] {
    const auto arguments = parse_arguments(static_cast<int>(argv.size()), argv.data());
    const auto answer = command(arguments.command).run(comm, arguments, Clock::now());
    if (comm.is_root()) print_result(answer.text);
    return answer.status;
  });
}

nlohmann::json run_captured(const Comm& comm, const std::vector<std::string>& words) {
  Captured out(STDOUT_FILENO), err(STDERR_FILENO);
  const int status = run(comm, words);
  const std::string written = out.end(), said = err.end();
  const std::string mine = comm.is_root() ? "" : written + said;
  const auto others = comm.gather_v(std::span<const char>(mine));
  return {{"status", status},
          {"out", written},
          {"err", said},
          {"others", std::string(others.begin(), others.end())}};
}

}  // namespace
}  // namespace kronsolve::cli

int main(int, char** argv) {
  using namespace kronsolve;
  const Session session({.mode = launched_by_mpi() ? Mode::syncro : Mode::serial});
  const auto rows =
      nlohmann::json::parse(std::ifstream(argv[1])).get<std::vector<std::vector<std::string>>>();
  auto results = nlohmann::json::array();
  for (const auto& words : rows) results.push_back(cli::run_captured(session.comm(), words));
  if (session.comm().is_root())
    std::ofstream(argv[2]) << results.dump(-1, ' ', false,
                                           nlohmann::json::error_handler_t::replace);
}
