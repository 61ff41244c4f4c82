#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <sys/wait.h>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sector_scan.hpp>

#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "cli/shell_words.hpp"
#include "cli/sweep_file.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

using Scheduler = BatchArguments::Scheduler;

/// The second line of every script: only such a file is written over.
constexpr std::string_view marker = "# Written by kronsolve batch.";

/// What a run takes, as far as that can be said beforehand; 0: it cannot.
struct Need {
  double bytes = 0;         ///< all ranks together
  double core_seconds = 0;  ///< about
};

/// A job as it will be asked for.
struct Job {
  Scheduler scheduler = Scheduler::slurm;
  std::string name = {}, script = {};   ///< and its file
  std::vector<std::string> words = {};  ///< of the run, behind the program's name
  std::string result = {};              ///< file for what it prints; empty: the log
  bool sweep = false;                   ///< several jobs share its points
  bool goes_on = false;                 ///< run again after exit code 75
  int nodes = 1, ranks = 1, threads = 1;
  double bytes = 0;  ///< of a node; 0: not known
  index_t minutes = 0;
  std::vector<std::string> modules = {};
};

/// Whether a run can be taken up in the middle (docs/cli.md) by the method that it would take anyhow.
bool can_go_on(const Arguments& run) {
  if (run.command == "evolve") return true;
  if (run.command == "svds") return run.svds.method != SvdMethod::dense;
  const auto& o = run.solve;
  const bool pairs = run.command == "ground" || run.command == "eigh" || run.command == "levels";
  if (!pairs || o.k == EighOptions::all) return false;
  const bool inside = o.sigma || o.position || o.interval || o.which == Which::SM;
  if (inside) return o.method == Method::filter || (o.method == Method::slepc && !o.interval);
  return (o.which == Which::SA || o.which == Which::LA) &&
         (o.method == Method::automatic || o.method == Method::lanczos ||
          o.method == Method::slepc);
}

/// Memory by the plan of the solve; time by the entries of the products that such a solve takes.
Need need_of(const Comm& comm, const Arguments& run) {
  if (run.command == "svds" || run.op.all_sectors || is_scan(run.op.sector)) return {};
  const auto problem = hermitian_problem(comm, run.op, States::counted, drives_of(run.command));
  const auto rows = static_cast<double>(problem.dimension);
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  const double entries = h != nullptr ? mean_entries(*h) : 20;
  EighOptions options = run.solve;
  const bool pairs = run.command == "ground" || run.command == "eigh";
  if (!pairs) options = {};
  const auto plan =
      std::visit([&](const auto& op) { return plan_eigh(comm, op, options); }, problem.op);
  Need need{static_cast<double>(plan.memory_estimate_bytes), 0};
  constexpr double complex_vectors = 6;  // of an evolution, the returned state among them
  if (!pairs) need.bytes += complex_vectors * 16 * rows;
  constexpr double products_of_a_pair = 400, entries_a_second = 1e8;
  const double k = options.k == EighOptions::all ? rows : static_cast<double>(options.k);
  const double width = static_cast<double>(problem.sites.value_or(20));
  const double products = run.command == "evolve" ? 4 * std::abs(run.evolve.time) * width + 100
                                                  : products_of_a_pair * k;
  const double dense = plan.method == Method::dense ? 10 * std::pow(rows, 3) / 1e9 : 0;
  need.core_seconds = std::max(dense, products * rows * entries / entries_a_second);
  return need;
}

std::string plain_name(const std::string& text) {
  std::string name;
  for (const char c : text) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '-';
  return name.substr(0, 100);
}

/// "ground-heisenberg-32"
std::string name_of(const Arguments& run) {
  std::string name = run.command;
  if (!run.op.model.empty()) name += "-" + run.op.model;
  if (run.op.options.sites > 0) name += "-" + std::to_string(run.op.options.sites);
  return plain_name(name);
}

/// Limits have room: a run that goes on loses nothing by one, and shorter jobs start earlier.
index_t minutes_of(const BatchArguments& asked, const Need& need, int cores, bool goes_on) {
  if (asked.seconds > 0) return std::max<index_t>(1, std::lround(std::ceil(asked.seconds / 60)));
  const double room = goes_on ? 3 : 10, least = 30, most = 24 * 60;
  const double minutes = need.core_seconds > 0 ? room * need.core_seconds / cores / 60 : 60;
  return 10 * std::lround(std::ceil(std::clamp(minutes, least, most) / 10));
}

Job make_job(const Arguments& arguments, const Need& need, Job job) {
  const auto& asked = arguments.batch;
  job.scheduler = asked.scheduler;
  job.nodes = asked.nodes;
  job.ranks = arguments.ranks;
  job.threads = arguments.threads.value_or(std::max(1, available_cores() / job.ranks));
  job.modules = asked.modules;
  const int nodes = job.sweep ? 1 : job.nodes;
  constexpr double room = 1.3, of_a_rank = 200e6;
  if (need.bytes > 0)
    job.bytes = room * need.bytes * (job.sweep ? job.ranks : 1) / nodes + of_a_rank * job.ranks;
  job.minutes = minutes_of(asked, need, nodes * job.ranks * job.threads, job.goes_on);
  job.script = asked.output.empty()
                   ? job.name + (asked.scheduler == Scheduler::slurm ? ".sbatch" : ".pbs")
                   : asked.output;
  return job;
}

Job job_of_sweep(const Comm& comm, const Arguments& arguments) {
  const auto& path = arguments.argument;
  const Sweep sweep(read_text_file(path), path);
  const auto shapes = sweep.measure_shapes(Sweep::Hopeless::refused);
  std::size_t largest = 0;
  for (std::size_t point = 0; point < sweep.size(); ++point)
    if (shapes[sweep.shapes()[point]].rows > shapes[sweep.shapes()[largest]].rows) largest = point;
  if (arguments.ranks % sweep.ranks_per_point() != 0)
    throw InvalidArgument(fmt::format("{}: ranks_per_point = {} needs --ranks {} or a multiple",
                                      path, sweep.ranks_per_point(), sweep.ranks_per_point()));
  Need need = need_of(comm, make_arguments(sweep.command(), sweep.options(largest)));
  need.core_seconds *= static_cast<double>(sweep.size()) / arguments.batch.nodes;
  Job job{.name = plain_name(std::filesystem::path(path).stem().string()),
          .words = {"sweep", path, "--ranks", std::to_string(arguments.ranks)},
          .sweep = true,
          .goes_on = true};
  return make_job(arguments, need, std::move(job));
}

Job job_of_run(const Comm& comm, const Arguments& arguments) {
  auto words = words_of_line(arguments.argument);
  if (!words.empty() && words.front() == "kronsolve") words.erase(words.begin());
  if (words.empty()) throw InvalidArgument("batch: the command line in quotes is empty");
  if (find_option(words.front(), "--model") == nullptr || words.front() == "plan")
    throw InvalidArgument(detail::concat(
        "batch takes FILE.toml of a sweep, or a command line such as \"ground --model heisenberg "
        "--sites 24\", got '",
        arguments.argument, "'"));
  words.insert(words.begin(), "kronsolve");
  const Arguments run = parse_words(words);
  words.erase(words.begin());
  if (!run.message.empty() || run.ranks > 1 || run.threads)
    throw InvalidArgument(
        "batch: the command line in quotes is one that computes, and --ranks and --threads stand "
        "outside of the quotes");
  Job job{.name = name_of(run), .words = std::move(words), .goes_on = can_go_on(run)};
  if (job.goes_on && run.checkpoint.path.empty())
    job.words.insert(job.words.end(), {"--checkpoint", job.name + ".checkpoint"});
  if (!run.json && !run.evolve.json_lines) job.words.emplace_back("--json");
  job.result = job.name + (run.evolve.json_lines ? ".jsonl" : ".json");
  return make_job(arguments, need_of(comm, run), std::move(job));
}

// ---- scripts ---------------------------------------------------------------------------------

std::string time_text(index_t minutes) {
  return fmt::format("{:02}:{:02}:00", minutes / 60, minutes % 60);
}

index_t mebibytes(double bytes) {
  return 100 * std::lround(std::ceil(bytes / double(1 << 20) / 100));
}

std::string slurm_head(const Job& job) {
  const auto line = [](const std::string& text) { return "#SBATCH " + text + "\n"; };
  std::string head = line("--job-name=" + job.name);
  if (job.sweep) head += line(fmt::format("--array=0-{}", job.nodes - 1));
  head += line(fmt::format("--nodes={}", job.sweep ? 1 : job.nodes)) +
          line(fmt::format("--ntasks-per-node={}", job.ranks)) +
          line(fmt::format("--cpus-per-task={}", job.threads)) +
          line("--time=" + time_text(job.minutes));
  if (job.bytes > 0) head += line(fmt::format("--mem={}M", mebibytes(job.bytes)));
  if (job.goes_on) head += line("--requeue");
  if (job.goes_on && !job.sweep) head += line("--signal=USR1@120");
  return head + line("--open-mode=append") +
         line(fmt::format("--output={}-{}.log", job.name, job.sweep ? "%A-%a" : "%j"));
}

std::string pbs_head(const Job& job) {
  const auto line = [](const std::string& text) { return "#PBS " + text + "\n"; };
  std::string select =
      fmt::format("-l select={}:ncpus={}:mpiprocs={}:ompthreads={}", job.sweep ? 1 : job.nodes,
                  job.ranks * job.threads, job.ranks, job.threads);
  if (job.bytes > 0) select += fmt::format(":mem={}mb", mebibytes(job.bytes));
  return line("-N " + job.name.substr(0, 15)) + line(select) +
         line("-l walltime=" + time_text(job.minutes)) + line("-j oe") + line("-r y");
}

/// When the job will end, where the scheduler does not say it by itself.
std::string end_lines(const Job& job) {
  if (job.scheduler == Scheduler::pbs)
    return fmt::format("export KRONSOLVE_JOB_END_TIME=$(($(date +%s) + {}))\n", 60 * job.minutes);
  // The number of the last task of an array means all of its tasks.
  const std::string number =
      job.sweep ? "job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n" : "job=$SLURM_JOB_ID\n";
  return number +
         "end=$(squeue -h -j \"$job\" -o %e || true)\n"
         "if [ -z \"${SLURM_JOB_END_TIME:-}\" ] && [ -n \"$end\" ] && "
         "end=$(date -d \"$end\" +%s 2> /dev/null); then\n"
         "  export SLURM_JOB_END_TIME=$end\n"
         "fi\n";
}

/// Ranks on their cores; a sweep starts its own.
std::string launcher(const Job& job) {
  if (job.sweep || job.nodes * job.ranks == 1) return "";
  if (job.scheduler == Scheduler::slurm)
    return fmt::format("srun --mpi=pmix --kill-on-bad-exit=1 --cpus-per-task={} --cpu-bind=cores ",
                       job.threads);
  return fmt::format("mpirun -q -n {} --map-by ppr:{}:node:pe={} --bind-to core ",
                     job.nodes * job.ranks, job.ranks, job.threads);
}

std::string again(const Job& job) {
  if (!job.goes_on) return "";
  const std::string once_more =
      job.scheduler == Scheduler::slurm
          ? "scontrol requeue \"$job\""
          : "qsub " + quoted_word(std::filesystem::absolute(job.script).string());
  return "# 75: stopped before the end of the job, to be run again.\n"
         "if [ $status -eq 75 ]; then " +
         once_more + "; fi\n";
}

std::string run_lines(const Job& job) {
  std::string words;
  for (const auto& word : job.words) words += " " + quoted_word(word);
  const bool signals =
      job.scheduler == Scheduler::slurm && job.goes_on && !job.sweep && launcher(job).empty();
  // A plain process of a script gets no signals of its own: it takes the place of a step.
  const std::string start = signals ? "srun --mpi=pmix -n 1 " : launcher(job);
  const std::string run = start + "\"${KRONSOLVE_PROGRAM:-kronsolve}\"" + words;
  if (job.result.empty()) return "status=0\n" + run + " || status=$?\n";
  const auto result = quoted_word(job.result);
  return "status=0\n" + run + " > " + result + ".part || status=$?\n" +
         "# 3: not converged, the result says so. Others leave none.\n"
         "if [ $status -eq 0 ] || [ $status -eq 3 ]; then mv " +
         result + ".part " + result + "; else rm -f " + result + ".part; fi\n";
}

std::string script_of(const Job& job, std::string command_line) {
  std::replace(command_line.begin(), command_line.end(), '\n', ' ');  // a comment is one line
  std::string text = fmt::format("#!/usr/bin/env bash\n{}\n# {}\n", marker, command_line);
  text += job.scheduler == Scheduler::slurm ? slurm_head(job) : pbs_head(job);
  if (!job.goes_on)
    text += "# Such a run cannot go on in the middle: its limit must be long enough.\n";
  if (job.bytes == 0) text += "# Memory: no estimate; the default of the cluster.\n";
  text += "set -euo pipefail\ncd " + quoted_word(std::filesystem::current_path().string()) + "\n";
  for (const auto& module : job.modules) text += "module load " + module + "\n";
  text += fmt::format("export KRONSOLVE_NUM_THREADS={} OPENBLAS_NUM_THREADS=1\n", job.threads);
  return text + end_lines(job) + run_lines(job) + again(job) + "exit $status\n";
}

void write_script(const Job& job, const std::string& text) {
  std::error_code error;
  if (std::filesystem::exists(job.script, error) &&
      read_text_file(job.script).find(marker) == std::string::npos)
    throw InvalidArgument(
        detail::concat("batch: '", job.script,
                       "' is there and was not written by kronsolve batch; remove it, or "
                       "give another name with -o"));
  OutputFile file(job.script);
  file.append(text);
  file.close();
}

/// What the scheduler answers: the number of the job.
std::string submit(const Job& job) {
  const bool slurm = job.scheduler == Scheduler::slurm;
  const std::string command = slurm ? "sbatch --parsable" : "qsub";
  FILE* const pipe = ::popen((command + " " + quoted_word(job.script) + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw InvalidArgument("batch: " + command + " cannot be started");
  std::string answer;
  std::array<char, 4096> part{};
  while (const auto n = std::fread(part.data(), 1, part.size(), pipe))
    answer.append(part.data(), n);
  const int status = ::pclose(pipe);
  while (!answer.empty() && std::isspace(static_cast<unsigned char>(answer.back())) != 0)
    answer.pop_back();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    throw InvalidArgument(detail::concat("batch --submit: there is no ", slurm ? "sbatch" : "qsub",
                                         " here; the script is in '", job.script, "'"));
  if (status != 0)
    throw InvalidArgument(
        detail::concat("batch --submit: the scheduler refuses: ", printable(answer),
                       "; the script is in '", job.script, "'"));
  return answer.substr(0, answer.find(';'));
}

}  // namespace

Answer run_batch(const Comm& comm, const Arguments& arguments, Clock::time_point) {
  if (arguments.argument.empty())
    throw InvalidArgument(
        "batch of what? give FILE.toml of a sweep, or a command line in quotes: kronsolve batch "
        "\"ground --model heisenberg --sites 24\"");
  Answer answer;
  const Job job = arguments.argument.ends_with(".toml") ? job_of_sweep(comm, arguments)
                                                        : job_of_run(comm, arguments);
  std::vector<std::string> jobs;
  comm.agree([&] {
    if (!comm.is_root()) return;
    write_script(job, script_of(job, arguments.command_line));
    // PBS has no number for a job of an array of one; each of them goes on by itself.
    const int copies = job.sweep && job.scheduler == Scheduler::pbs ? job.nodes : 1;
    for (int i = 0; arguments.batch.submit && i < copies; ++i) jobs.push_back(submit(job));
  });
  const auto optional = [](double value) { return value > 0 ? Json(value) : Json(); };
  answer.json = {{"script", job.script},
                 {"scheduler", job.scheduler == Scheduler::slurm ? "slurm" : "pbs"},
                 {"nodes", job.nodes},
                 {"ranks_per_node", job.ranks},
                 {"threads", job.threads},
                 {"memory_node_bytes", optional(job.bytes)},
                 {"minutes", job.minutes},
                 {"goes_on", job.goes_on},
                 {"jobs", jobs}};
  answer.text = line("script", job.script) +
                line("asks for", fmt::format("{}, {} of {} each, {}",
                                             counted(job.nodes, job.sweep ? "job" : "node"),
                                             counted(job.ranks, "rank"),
                                             counted(job.threads, "core"), time_text(job.minutes)));
  if (job.bytes > 0) answer.text += line("memory", format_bytes(job.bytes) + " on a node");
  answer.text += line("limit", job.goes_on ? "stops in time, and is queued again to go on"
                                           : "such a run cannot go on: at the limit it is lost");
  for (const auto& number : jobs) answer.text += line("job", number);
  if (jobs.empty())
    answer.text += line("submit", (job.scheduler == Scheduler::slurm ? "sbatch " : "qsub ") +
                                      quoted_word(job.script));
  return answer;
}

}  // namespace kronsolve::cli
