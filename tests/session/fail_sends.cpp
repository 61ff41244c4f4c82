// Loaded into a program before its libraries: one of its sends to a pool's sockets fails although
// the other side is there. KRONSOLVE_TEST_FAIL_SEND=owner:3 means the third one of the process that
// owns the pool, worker:3 that of each worker.

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>

#include <dlfcn.h>
#include <sys/socket.h>

namespace {

int failing_send() {
  const char* plan = std::getenv("KRONSOLVE_TEST_FAIL_SEND");
  const std::string who = std::getenv("KRONSOLVE_WORKER") != nullptr ? "worker:" : "owner:";
  if (plan == nullptr || std::string(plan).compare(0, who.size(), who) != 0) return 0;
  return std::atoi(plan + who.size());
}

const int failing = failing_send();
std::atomic<int> sends{0};

}  // namespace

extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto real =
      reinterpret_cast<ssize_t (*)(int, const msghdr*, int)>(::dlsym(RTLD_NEXT, "sendmsg"));
  if ((flags & MSG_NOSIGNAL) != 0 && ++sends == failing) {
    errno = ENOBUFS;
    return -1;
  }
  return real(fd, message, flags);
}
