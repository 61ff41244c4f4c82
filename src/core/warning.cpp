#include <iostream>
#include <memory>
#include <mutex>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/warning.hpp>

namespace kronsolve {

namespace {

using Handler = std::function<void(const std::string&)>;

struct Current {
  std::mutex mutex;
  std::shared_ptr<const Handler> handler = std::make_shared<const Handler>([](const auto& text) {
    std::cerr << detail::concat("kronsolve: ", text, "\n") << std::flush;
  });
};

Current& current() {
  static auto* const one = new Current;  // other threads may warn until the very end
  return *one;
}

}  // namespace

void set_warning_handler(Handler handler) {
  const std::lock_guard lock(current().mutex);
  current().handler = std::make_shared<const Handler>(std::move(handler));
}

void detail::warn(const std::string& text) noexcept {
  std::shared_ptr<const Handler> handler;
  {
    const std::lock_guard lock(current().mutex);
    handler = current().handler;
  }
  if (*handler) (*handler)(text);
}

}  // namespace kronsolve
