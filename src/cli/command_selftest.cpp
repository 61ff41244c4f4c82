#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <fmt/format.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/hdf5_file.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/core/version.hpp>
#include <kronsolve/session.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "cli/commands.hpp"
#include "cli/exact_checks.hpp"
#include "cli/guard.hpp"
#include "cli/picture.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

Arguments parse(const std::string& line) {
  std::istringstream in("kronsolve " + line + " --json");
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  std::vector<const char*> argv;
  for (const auto& word : words) argv.push_back(word.c_str());
  return parse_arguments(static_cast<int>(argv.size()), argv.data());
}

Answer answer_of(const Comm& comm, const std::string& line) {
  const Arguments arguments = parse(line);
  return command(arguments.command).run(comm, arguments, Clock::now());
}

/// What workers do: the command, alone or on a gang.
std::string answer_alone(const std::string& line) {
  return answer_of(Comm::serial(), line).json.dump();
}
std::string answer_together(const Comm& comm, const std::string& line) {
  return answer_of(comm, line).json.dump();
}

/// A folder of its own for files, the same on every rank; gone at the end.
class Scratch {
 public:
  explicit Scratch(const Comm& comm) : mine_(comm.is_root()) {
    comm.agree([&] {
      if (!mine_) return;
      auto pattern = (std::filesystem::temp_directory_path() / "kronsolve-XXXXXX").string();
      if (::mkdtemp(pattern.data()) == nullptr)
        throw IoError(pattern, "cannot be made; set TMPDIR to a folder that can be written");
      path_ = pattern;
    });
    path_ = comm.broadcast(std::move(path_));
  }
  ~Scratch() {
    std::error_code ignored;
    if (mine_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  bool mine_;
  std::string path_;
};

/// What cannot be done here, and what would make it possible.
struct Lack {
  std::string what, install;
};

class SelfTest {
 public:
  SelfTest(Session& session, Clock::time_point start)
      : session_(session), comm_(session.comm()), start_(start) {
    for (const auto& engine : list_engines())
      (usable(engine) ? engines_ : broken_).push_back(engine);
  }

  Answer run() {
    for (const auto& check : exact_checks()) run_exact(check);
    look_at_engines();
    files();
    workers();
    picture();
    return answer();
  }

 private:
  static bool usable(const EngineInfo& engine) { return engine.problem.empty(); }

  enum class Result { ok, failed, missing };
  void tell(const std::string& part, const std::string& name, Result result,
            const std::string& detail, const std::string& words, Clock::time_point begin) {
    static constexpr const char* texts[] = {"ok", "failed", "missing"};
    failed_ += result == Result::failed ? 1 : 0;
    checks_.push_back({{"part", part},
                       {"name", name},
                       {"result", texts[static_cast<int>(result)]},
                       {"detail", detail},
                       {"command_line", words.empty() ? "" : "kronsolve " + words},
                       {"seconds", seconds_since(begin)}});
  }

  /// @param work  returns how it went; throws if it did not
  template <class Work>
  void attempt(const std::string& part, const std::string& name, const std::string& words,
               Work work) {
    const auto begin = Clock::now();
    try {
      const std::string how = work();
      tell(part, name, Result::ok, how, words, begin);
    } catch (const std::exception& error) {
      tell(part, name, Result::failed, error.what(), words, begin);
    }
  }

  const EngineInfo* engine_for(ScalarKind scalar) const {
    for (const auto& engine : engines_)
      if (engine.scalar == scalar) return &engine;
    // A real problem runs on the complex engine as well.
    return scalar == ScalarKind::real && !engines_.empty() ? &engines_.front() : nullptr;
  }

  bool possible(ExactCheck::Needs needs) const {
    using enum ExactCheck::Needs;
    if (needs == nothing) return true;
    const bool real = needs == real_engine || needs == real_factors;
    const auto* engine = engine_for(real ? ScalarKind::real : ScalarKind::complex);
    const bool factors = needs == real_factors || needs == complex_factors;
    return engine != nullptr && (!factors || engine->has_mumps);
  }

  static std::string part_of(ExactCheck::Needs needs) {
    using enum ExactCheck::Needs;
    if (needs == nothing) return "own methods";
    return needs == real_engine || needs == real_factors ? "real engine" : "complex engine";
  }

  void run_exact(const ExactCheck& check) {
    if (!possible(check.needs)) return;  // look_at_engines says so
    attempt(part_of(check.needs), check.name, check.words,
            [&] { return verdict(check, answer_of(comm_, check.words)); });
  }

  void look_at_engines() {
    for (const auto& engine : broken_)
      attempt(std::string(to_string(engine.scalar)) + " engine", engine.path, "",
              [&]() -> std::string { throw EngineError(0, engine.problem); });
    for (const auto scalar : {ScalarKind::real, ScalarKind::complex}) look_at_engine(scalar);
  }

  void look_at_engine(ScalarKind scalar) {
    const std::string name(to_string(scalar));
    const auto* engine = engine_for(scalar);
    const std::string install = fmt::format(
        "Debian's libpetsc-{0}-dev and libslepc-{0}-dev, then build again; of packages: "
        "kronsolve-engines",
        name);
    if (engine == nullptr)
      lacks_.push_back({fmt::format("Krylov-Schur, Davidson methods, levels inside the spectrum by "
                                    "factors of {} matrices",
                                    name),
                        install});
    else if (engine->scalar != scalar)
      lacks_.push_back(
          {"real matrices by PETSc in half the memory (the complex engine serves them)", install});
    if (engine != nullptr && !engine->has_mumps)
      lacks_.push_back({fmt::format("levels inside the spectrum by factors of {} matrices", name),
                        fmt::format("a PETSc with MUMPS in place of {}", engine->path)});
  }

  /// A state is written and read, and has the same value of an observable.
  void files() {
    const ExactCheck magnon = magnon_check();
    attempt("files", magnon.name, magnon.words,
            [&] { return verdict(magnon, answer_of(comm_, magnon.words)); });
    const auto begin = Clock::now();
    const Scratch scratch(comm_);
    const std::string file = scratch.file("state.h5"), words = magnon.words + " --save " + file,
                      again = "measure " + file + " --observe sz:0";
    try {
      (void)verdict(magnon, answer_of(comm_, words));
      const ExactCheck kept{{}, again, magnon.field, {magnon.exact.back()}};
      (void)verdict(kept, answer_of(comm_, again));
      tell("files", "the same, saved and read", Result::ok, "HDF5", again, begin);
    } catch (const NotSupported& error) {
      tell("files", "the same, saved and read", Result::missing, error.what(), words, begin);
      lacks_.push_back({"states in files: --save, --start, --state FILE.h5, measure",
                        "HDF5 (Debian: libhdf5-openmpi-103-1)"});
    } catch (const std::exception& error) {
      tell("files", "the same, saved and read", Result::failed, error.what(), words, begin);
    }
  }

  /// The ranks of this job, or two processes started for it.
  void workers() {
    const auto& check = exact_checks().at(1);
    const bool spawned = session_.mode() != Mode::syncro;
    attempt("workers", "tasks on a pool", check.words, [&] {
      Pool pool = session_.make_pool(spawned ? PoolOptions{.workers = 2} : PoolOptions{});
      std::vector<Future<std::string>> futures;
      for (int i = 0; i < 4; ++i) futures.push_back(pool.submit(task<answer_alone>, check.words));
      for (const auto& future : futures)
        (void)verdict(check, {exit_fine, Json::parse(future.get()), {}});
      if (spawned)
        (void)verdict(check,
                      {exit_fine,
                       Json::parse(pool.submit_spmd(2, task<answer_together>, check.words).get()),
                       {}});
      return counted(pool.num_workers(), "worker") + (spawned ? ", together" : "");
    });
  }

  void picture() {
    const auto begin = Clock::now();
    const Scratch scratch(comm_);
    const std::string name = "a picture";
    try {
      comm_.agree([&] {
        if (comm_.is_root()) draw({"x", "y", {{"", {0, 1}, {0, 1}}}}, scratch.file("picture.svg"));
      });
      tell("pictures", name, Result::ok, "gnuplot", "", begin);
    } catch (const NotSupported& error) {
      tell("pictures", name, Result::missing, error.what(), "", begin);
      lacks_.push_back({"pictures: --plot, kronsolve plot", "gnuplot (Debian: gnuplot-nox)"});
    } catch (const std::exception& error) {
      tell("pictures", name, Result::failed, error.what(), "", begin);
    }
  }

  Answer answer() const {
    Answer result;
    result.status = failed_ == 0 ? exit_fine : exit_other;
    result.json = {
        {"command", "selftest"},           {"ok", failed_ == 0}, {"ranks", comm_.size()},
        {"threads", num_threads()},        {"checks", checks_},  {"cannot", Json::array()},
        {"seconds", seconds_since(start_)}};
    for (const auto& lack : lacks_)
      result.json["cannot"].push_back({{"what", lack.what}, {"install", lack.install}});
    result.text = text();
    return result;
  }

  std::string text() const {
    std::string text =
        fmt::format("kronsolve {}, {}\n", version(), where(comm_.size(), num_threads()));
    std::string part;
    for (const auto& check : checks_) {
      if (check["part"] != part) text += "\n" + (part = check["part"].get<std::string>()) + "\n";
      const auto result = check["result"].get<std::string>();
      text += fmt::format("  {:<8}{:<33} {:>7}  {}\n", result == "failed" ? "FAILED" : result,
                          check["name"].get<std::string>(),
                          seconds_text(check["seconds"].get<double>()),
                          result == "ok" ? check["detail"].get<std::string>() : "");
      if (result == "ok") continue;
      text += "          " + wrapped(check["detail"].get<std::string>(), 70, "\n          ") + "\n";
      if (const auto words = check["command_line"].get<std::string>(); !words.empty())
        text += "          " + words + "\n";
    }
    text += "\n";
    for (const auto& engine : engines_)
      text += line("engine", fmt::format("{}: PETSc {}, SLEPc {}, {}-bit indices{}", engine.variant,
                                         engine.petsc_version, engine.slepc_version,
                                         engine.index_bits, engine.has_mumps ? ", MUMPS" : ""));
    for (const auto& lack : lacks_)
      text += line("cannot", lack.what) + line("install", lack.install);
    const auto total = std::count_if(checks_.begin(), checks_.end(), [](const Json& check) {
      return check["result"] != "missing";
    });
    text += line("result", failed_ == 0 ? fmt::format("all {} checks passed", total)
                                        : fmt::format("{} of {} checks FAILED", failed_, total));
    return text + line("time", seconds_text(seconds_since(start_)));
  }

  Session& session_;
  const Comm& comm_;
  Clock::time_point start_;
  std::vector<EngineInfo> engines_, broken_;
  Json checks_ = Json::array();
  std::vector<Lack> lacks_;
  int failed_ = 0;
};

}  // namespace

Answer run_selftest(Session& session, const Arguments&, Clock::time_point start) {
  return SelfTest(session, start).run();
}

}  // namespace kronsolve::cli
