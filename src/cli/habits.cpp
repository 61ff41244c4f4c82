#include "cli/habits.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <kronsolve/operators/models.hpp>

namespace kronsolve::cli {

namespace {

/// An option of ours, and how others call it.
struct Habit {
  std::string_view option, text;
  std::vector<std::string_view> words;
};

const std::vector<Habit>& habits() {
  static const std::vector<Habit> all = {
      {"--sites",
       "--sites N",
       {"-n", "-N", "-l", "-L", "--n", "--N", "--L", "--length", "--nsites", "--spins"}},
      {"--cyclic", "--cyclic", {"--periodic", "--pbc", "--ring"}},
      {"-k", "-k K", {"--k", "--nev", "--neigs", "--num"}},
      {"--time", "--time T", {"-t", "--t", "--tmax"}},
      {"--sector", "--sector sz=VALUE", {"--sz", "--Sz", "--magnetization", "--magnetisation"}},
      {"--sector", "--sector nup=VALUE", {"--nup"}},
      {"--sector", "--sector n=VALUE", {"--particles", "--filling"}},
      {"--sector", "--sector momentum=VALUE", {"--momentum", "--kblock"}},
      {"--sector", "--sector reflection=VALUE", {"--reflection", "--pblock"}},
      {"--sector", "--sector spinflip=VALUE", {"--spinflip", "--zblock"}},
      {"--all-sectors", "--all-sectors", {"--scan", "--sectors", "--all"}},
      {"-p", "-p j=VALUE", {"-J", "-j", "--J", "--j", "--coupling"}},
      {"-p", "-p bz=VALUE", {"--field", "--h", "--hz"}},
      {"--size", "--size LXxLY", {"--lx", "--ly", "--Lx", "--Ly", "--width", "--height"}},
      {"--steps", "--steps N (time / dt)", {"--dt", "--step", "--nsteps"}},
      {"--state",
       "--state STATE",
       {"--psi", "--psi0", "--init", "--initial", "--initial-state", "--start"}},
      {"--output", "--output DIR", {"-o", "--out"}},
      {"--save", "--save FILE.h5", {"-o", "--out", "--output", "--hdf5"}},
      {"--json", "--json > FILE", {"-o", "--out", "--output"}},
      {"--json", "--json", {"--format", "--output-format"}},
      {"--observe", "--observe WHAT", {"-O", "--obs", "--observable", "--measure"}},
      {"--sigma", "--sigma X", {"--target", "--shift", "--energy"}},
      {"--max-iterations", "--max-iterations N", {"--maxiter", "--max-iter", "--maxit"}},
      {"--threads", "--threads N", {"-t", "--nthreads", "--num-threads", "--cores"}},
      {"--ranks", "--ranks N", {"-np", "--np", "--procs", "--workers", "--jobs"}},
  };
  return all;
}

bool has(const std::vector<std::string>& options, std::string_view option) {
  return std::find(options.begin(), options.end(), option) != options.end();
}

}  // namespace

std::string meant_option(const std::string& given, const std::vector<std::string>& options) {
  // "-n24" is "-n" with its value.
  const bool glued = given.size() > 2 && given[1] != '-' &&
                     std::isdigit(static_cast<unsigned char>(given[2])) != 0;
  const std::string word = glued ? given.substr(0, 2) : given;
  for (const auto& habit : habits())
    if (has(options, habit.option) &&
        std::find(habit.words.begin(), habit.words.end(), word) != habit.words.end())
      return std::string(habit.text);
  return {};
}

std::string meant_argument(const std::string& given, const std::vector<std::string>& options) {
  if (given.ends_with(".mtx") && has(options, "--matrix")) return "--matrix " + given;
  if (given.ends_with(".toml") && has(options, "--terms")) return "--terms " + given;
  // "--cyclic x": the value of a flag is glued to it.
  if ((given == "x" || given == "y") && has(options, "--cyclic")) return "--cyclic=" + given;
  const bool model = std::any_of(models().begin(), models().end(),
                                 [&](const ModelInfo& info) { return info.name == given; });
  return model && has(options, "--model") ? "--model " + given : std::string();
}

}  // namespace kronsolve::cli
