#include "cli/guard.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <new>
#include <optional>
#include <string>
#include <thread>

#include <sys/resource.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/solvers/blas.hpp>
#include <kronsolve/solvers/checkpoint.hpp>

#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

struct Failure {
  int status = exit_other;
  std::string text;
};

struct Ending {
  int status = exit_fine;
  std::optional<Failure> failure;
};

Ending failed(int status, std::string text) { return {status, Failure{status, std::move(text)}}; }

Ending run_caught(const std::function<int()>& work) {
  try {
    return {work(), std::nullopt};
  } catch (const Stopped& stopped) {
    return failed(exit_run_again, stopped.what());
  } catch (const InvalidArgument& error) {
    return failed(exit_bad_input, error.what());
  } catch (const NotConverged& error) {
    return failed(exit_not_converged, error.what());
  } catch (const EngineError& error) {
    return failed(exit_engine_or_mpi, error.what());
  } catch (const MpiError& error) {
    return failed(exit_engine_or_mpi, error.what());
  } catch (const NotSupported& error) {
    return failed(exit_engine_or_mpi, error.what());
  } catch (const IoError& error) {
    return failed(exit_file, error.what());
  } catch (const std::bad_alloc&) {
    return failed(exit_other,
                  "out of memory; make the system smaller, choose a sector or use more machines");
  } catch (const std::exception& error) {
    return failed(exit_other, error.what());
  } catch (...) {
    return failed(exit_other, "an unknown error");
  }
}

void print_failure(const std::string& text) {
  std::cerr << "kronsolve: " + printable(text) + "\n" << std::flush;
}

/// The lowest rank that failed (ranks if none), once every rank has come; nothing if the others
/// stay away for too long. Only a rank that failed loses patience: one that is fine waits for the
/// work of the others.
std::optional<int> meet(const Comm& comm, bool ok) {
  using Clock = std::chrono::steady_clock;
  constexpr auto patience = std::chrono::seconds(3);
  const int mine = ok ? comm.size() : comm.rank();
  int first = comm.size();
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm.handle(), &request),
            "MPI_Iallreduce");
  const auto deadline = Clock::now() + patience;
  for (auto pause = std::chrono::microseconds(1);;
       pause = std::min(2 * pause, std::chrono::microseconds(2000))) {
    int done = 0;
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) return first;
    if (!ok && Clock::now() > deadline) return std::nullopt;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

int guarded(const Comm& comm, const std::function<int()>& work) {
  if (comm.size() == 1) {
    const Ending ending = run_caught(work);
    if (ending.failure) print_failure(ending.failure->text);
    return ending.status;
  }
  const Comm exit = comm.duplicate();  // nobody else's messages are on it
  Ending ending = run_caught(work);
  const auto first = meet(exit, !ending.failure);
  if (!first) {
    print_failure(detail::concat("rank ", comm.rank(),
                                 " failed alone, ending the job: ", ending.failure->text));
    Environment::abort(ending.status);
  }
  if (*first == comm.size()) return ending.status;
  const std::string text = exit.broadcast(ending.failure ? ending.failure->text : "", *first);
  int status = ending.status;
  exit.broadcast(std::span(&status, 1), *first);
  if (comm.is_root()) print_failure(text);
  exit.barrier();  // the line is out before any rank's exit makes mpirun end the others
  return status;
}

namespace {

std::optional<index_t> address_space_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return static_cast<index_t>(limit.rlim_cur);
}

}  // namespace

void let_first_rank_speak() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (const char* rank = std::getenv(name)) {
      if (rank != std::string_view("0")) std::this_thread::sleep_for(std::chrono::seconds(1));
      return;
    }
}

void require_address_space() {
  const auto limit = address_space_limit();
  if (!limit) return;
  // A buffer of 128 MiB for each of its threads, our own among them; as much is for the rest.
  constexpr index_t buffer = index_t{128} << 20;
  const index_t needed = buffer * (blas_threads() + 1);
  if (*limit < needed)
    throw InvalidArgument(detail::concat(
        "the address space is limited to ", format_bytes(double(*limit)), " (ulimit -v) and ",
        blas_threads(), " thread(s) of OpenBLAS need ", format_bytes(double(needed)),
        "; allow more, or set OPENBLAS_NUM_THREADS=1"));
}

void end_process(int status) {
  if (!address_space_limit()) std::exit(status);
  std::cout.flush();
  (void)std::fflush(nullptr);
  std::_Exit(status);
}

}  // namespace kronsolve::cli
