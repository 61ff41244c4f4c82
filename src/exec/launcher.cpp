#include "exec/launcher.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/exec/errors.hpp>

extern char** environ;

namespace kronsolve::detail {

std::string WorkerTicket::text() const {
  return concat(secret, "|", world, "|", mpi ? "mpi" : "single", "|", address);
}

WorkerTicket WorkerTicket::parse(const std::string& text) {
  std::istringstream in(text);
  WorkerTicket t;
  std::string world, kind;
  std::getline(in, t.secret, '|');
  std::getline(in, world, '|');
  std::getline(in, kind, '|');
  std::getline(in, t.address);
  t.world = std::atoi(world.c_str());
  t.mpi = kind == "mpi";
  if (t.address.empty() || (kind != "mpi" && kind != "single"))
    throw InvalidArgument(
        concat(worker_variable, " is set by kronsolve for the workers it starts; unset it"));
  return t;
}

namespace {

using Environment = std::map<std::string, std::string>;

Environment current_environment() {
  Environment all;
  for (char** e = environ; *e != nullptr; ++e) {
    const char* equals = std::strchr(*e, '=');
    if (equals != nullptr) all[std::string(*e, static_cast<std::size_t>(equals - *e))] = equals + 1;
  }
  return all;
}

/// What mpirun or srun told this rank about its own job. Choices of the user (transports, binding,
/// mapping) stay.
bool belongs_to_this_job(const std::string& name) {
  for (const char* keep :
       {"OMPI_MCA_btl", "OMPI_MCA_pml", "OMPI_MCA_mtl", "OMPI_MCA_coll", "OMPI_MCA_osc",
        "OMPI_MCA_rmaps", "OMPI_MCA_hwloc", "OMPI_MCA_mpi_", "OMPI_MCA_plm_rsh", "OMPI_ALLOW_"})
    if (name.starts_with(keep)) return false;
  for (const char* drop : {"OMPI_", "PMIX_", "PMI_", "ORTE_", "PRTE_", "OPAL_"})
    if (name.starts_with(drop)) return true;
  return false;
}

const Environment& clean_environment() {
  static const Environment clean = [] {
    Environment all = current_environment();
    if (launched_by_mpi())
      std::erase_if(all, [](const auto& e) { return belongs_to_this_job(e.first); });
    all.erase(worker_variable);
    return all;
  }();
  return clean;
}

bool executable(const std::string& path) {
  return !path.empty() && ::access(path.c_str(), X_OK) == 0 && !std::filesystem::is_directory(path);
}

std::string find_on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');)
    if (executable(folder + "/" + name)) return folder + "/" + name;
  return {};
}

std::string find_mpiexec() {
  if (const char* chosen = std::getenv("KRONSOLVE_MPIEXEC"); chosen != nullptr && *chosen != '\0') {
    const std::string path = std::strchr(chosen, '/') != nullptr ? chosen : find_on_path(chosen);
    if (executable(path)) return path;
    throw BrokenPool(concat("workers cannot be started: KRONSOLVE_MPIEXEC is '", chosen,
                            "', which cannot be executed"));
  }
  if (executable(KRONSOLVE_MPIEXEC)) return KRONSOLVE_MPIEXEC;
  for (const char* name : {"mpirun", "mpiexec"})
    if (auto path = find_on_path(name); !path.empty()) return path;
  throw BrokenPool(
      "workers cannot be started: neither mpirun nor mpiexec is on PATH; set KRONSOLVE_MPIEXEC");
}

std::string this_executable() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) throw BrokenPool("workers cannot be started: /proc/self/exe cannot be read");
  return path.string();
}

class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    // Nothing typed at a terminal goes to workers; Ctrl-C there reaches the owner of the pool,
    // whose end ends them.
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (const int s : {SIGINT, SIGTERM, SIGPIPE, SIGCHLD, SIGHUP}) sigaddset(&defaults, s);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
};

/// Ends mpirun when the process that started it does: file 3 is the reading end of a pipe that
/// only that process can write to. mpirun is asked first, because it then takes its files away.
constexpr const char* watch_script = R"sh("$@" 3<&- & job=$!
trap 'kill -TERM $job' TERM
{ read -r nothing; kill -TERM $job; sleep 3; kill -KILL -$$; } <&3 >/dev/null 2>&1 & guard=$!
exec 3<&-
while kill -0 $job 2>/dev/null; do wait $job; status=$?; done
kill -KILL $guard 2>/dev/null
exit $status)sh";

/// The reading end of a pipe whose writing end is open as long as this process lives.
int end_of_this_process() {
  static const int reading = [] {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      throw BrokenPool(concat("workers cannot be started: pipe: ", std::strerror(errno)));
    return ends[0];
  }();
  return reading;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& t : texts) all.push_back(t.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

void remember_environment() { (void)clean_environment(); }

pid_t launch(const LaunchRequest& request) {
  const std::string program = request.program.empty() ? this_executable() : request.program;
  if (!executable(program))
    throw BrokenPool(
        concat("workers cannot be started: '", program, "' is not a program that can be executed"));
  const std::string& folder = request.working_directory;
  if (!folder.empty() && !std::filesystem::is_directory(folder))
    throw BrokenPool(concat("workers cannot be started: working_directory '", folder,
                            "' is not a folder that can be entered"));
  Environment all = clean_environment();
  std::map<std::string, std::string> added = request.environment;
  const std::string threads = std::to_string(request.threads);
  for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "KRONSOLVE_NUM_THREADS"})
    added.emplace(name, threads);
  // Bound to OpenMP's places every worker would take the first one.
  added.emplace("OMP_PROC_BIND", "false");
  // Large arguments and results come into fresh memory: huge pages take them several times faster.
  all.emplace("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
  added[worker_variable] = request.ticket.text();
  added["KRONSOLVE_MODE"] = "serial";
  std::vector<std::string> arguments;
  if (request.ticket.mpi) {
    arguments = {"/bin/sh", "-c", watch_script, "kronsolve-watch", find_mpiexec()};
    arguments.insert(arguments.end(), request.launcher_arguments.begin(),
                     request.launcher_arguments.end());
    arguments.insert(arguments.end(), {"-n", std::to_string(request.count)});
#ifdef OPEN_MPI
    for (const char* name :
         {"KRONSOLVE_ENGINE_DIR", "KRONSOLVE_MEMORY_LIMIT", "LD_LIBRARY_PATH", "PATH"})
      if (all.contains(name) && !added.contains(name)) added[name] = all[name];
    for (const auto& [name, value] : added) arguments.insert(arguments.end(), {"-x", name});
    // More workers than cores are the user's choice; idle ones use none. Open MPI would bind all
    // of them to the first cores.
    all.emplace("OMPI_MCA_rmaps_base_oversubscribe", "1");
    all.emplace("OMPI_MCA_hwloc_base_binding_policy", "none");
    all.emplace("OMPI_MCA_orte_execute_quiet", "1");
    if (::geteuid() == 0) {
      all["OMPI_ALLOW_RUN_AS_ROOT"] = "1";
      all["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
    }
#endif
  }
  arguments.push_back(program);
  arguments.insert(arguments.end(), request.program_arguments.begin(),
                   request.program_arguments.end());
  arguments.emplace_back("kronsolve-worker");
  for (const auto& [name, value] : added) all[name] = value;
  std::vector<std::string> variables;
  for (const auto& [name, value] : all) variables.push_back(name + "=" + value);

  SpawnAttributes spawn;
  if (request.ticket.mpi) posix_spawn_file_actions_adddup2(&spawn.files, end_of_this_process(), 3);
  if (!request.working_directory.empty())
    posix_spawn_file_actions_addchdir_np(&spawn.files, request.working_directory.c_str());
  pid_t pid = -1;
  const int code = posix_spawn(&pid, arguments[0].c_str(), &spawn.files, &spawn.attributes,
                               pointers(arguments).data(), pointers(variables).data());
  if (code != 0)
    throw BrokenPool(
        concat("workers cannot be started: ", arguments[0], ": ", std::strerror(code)));
  return pid;
}

std::optional<std::string> how_it_ended(pid_t pid) {
  int status = 0;
  const pid_t ended = ::waitpid(pid, &status, WNOHANG);
  if (ended == 0) return {};
  if (ended < 0) return "ended";
  if (WIFSIGNALED(status))
    return concat("killed by signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)), ")");
  const int code = WEXITSTATUS(status);
  // A shell or mpirun reports the signal of what it ran as 128 + its number.
  if (code > 128 && code < 160)
    return concat("killed by signal ", code - 128, " (", strsignal(code - 128), ")");
  return concat("exit status ", code);
}

}  // namespace kronsolve::detail
