#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>

#include "core/binding.hpp"
#include "core/control_group.hpp"

namespace kronsolve {

namespace {

std::atomic<int> chosen_threads{0};
thread_local int share_of_this_thread = 0;
constexpr int most_threads = 1024;

/// Cores of all places that OpenMP gives its threads (OMP_PROC_BIND, OMP_PLACES); none where it
/// binds no threads.
cpu_set_t cores_of_places() {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> cores(static_cast<std::size_t>(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, cores.data());
    for (const int core : cores)
      if (core >= 0 && core < CPU_SETSIZE) CPU_SET(core, &set);
  }
  return set;
}

int threads_from_environment() {
  const char* text = std::getenv("KRONSOLVE_NUM_THREADS");
  if (text == nullptr || *text == '\0') return 0;
  char* end = nullptr;
  const long n = std::strtol(text, &end, 10);
  if (*end != '\0' || n < 1 || n > most_threads)
    throw InvalidArgument(detail::concat("KRONSOLVE_NUM_THREADS must be a number from 1 to ",
                                         most_threads, ", got '", text, "'"));
  return static_cast<int>(n);
}

}  // namespace

namespace detail {

cpu_set_t allowed_cores() {
  cpu_set_t set = cores_of_places();
  if (CPU_COUNT(&set) == 0) (void)sched_getaffinity(0, sizeof set, &set);
  return set;
}

void unbind_thread() {
  const cpu_set_t set = cores_of_places();
  if (CPU_COUNT(&set) == 0) return;
    // OpenMP binds a thread that it did not start itself at its first parallel region, and only
    // then.
#pragma omp parallel num_threads(1)
  (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int limited_by_quota(int cores) {
  return std::max(1, std::min(cores, control_group_cores().value_or(cores)));
}

}  // namespace detail

int available_cores() {
  const cpu_set_t set = detail::allowed_cores();
  return detail::limited_by_quota(CPU_COUNT(&set));
}

int num_threads() {
  if (share_of_this_thread > 0) return share_of_this_thread;
  int threads = chosen_threads.load();
  if (threads == 0) {
    threads = threads_from_environment();
    if (threads == 0) threads = available_cores();
    set_threads(threads);
  }
  return threads;
}

void set_threads(int threads) {
  if (threads < 1 || threads > most_threads)
    throw InvalidArgument(
        detail::concat("threads must be from 1 to ", most_threads, ", got ", threads));
  chosen_threads.store(threads);
  omp_set_num_threads(threads);
}

ThreadShare::ThreadShare(int threads)
    : before_(share_of_this_thread), omp_before_(omp_get_max_threads()) {
  share_of_this_thread = std::clamp(threads, 1, most_threads);
  omp_set_num_threads(share_of_this_thread);
}

ThreadShare::~ThreadShare() {
  share_of_this_thread = before_;
  omp_set_num_threads(omp_before_);
}

}  // namespace kronsolve
