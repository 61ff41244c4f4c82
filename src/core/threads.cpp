#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>

#include <omp.h>
#include <sched.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>

namespace kronsolve {

namespace {

std::atomic<int> chosen_threads{0};
thread_local int share_of_this_thread = 0;
constexpr int most_threads = 1024;

/// Cores that a control group (version 2) allows on average; 0 if it sets no quota.
int quota_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::max(1, static_cast<int>(std::strtod(quota.c_str(), nullptr) / period));
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

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = std::max(1, CPU_COUNT(&set));
  const int quota = quota_cores();
  return quota > 0 ? std::min(cores, quota) : cores;
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
