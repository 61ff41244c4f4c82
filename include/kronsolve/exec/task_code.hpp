#pragma once
// From a callable and its arguments to something that can be sent, and back. Not for users.

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <kronsolve/exec/backend.hpp>
#include <kronsolve/exec/this_worker.hpp>

namespace kronsolve::detail {

template <class F, class... Args>
using TaskResult = std::decay_t<std::invoke_result_t<F&, Args&...>>;
template <class F, class... Args>
using GangResult = std::decay_t<std::invoke_result_t<F&, const Comm&, Args&...>>;

inline std::optional<Clock::time_point> deadline_after(std::optional<double> seconds) {
  if (!seconds) return {};
  return Clock::now() + seconds_of(*seconds);
}

/// Calls `call` and packs what it gives; the message owns it.
template <class Call>
Message pack_result(Call&& call) {
  using R = std::decay_t<decltype(call())>;
  if constexpr (std::is_void_v<R>) {
    call();
    return {};
  } else {
    return packed<R>(call());
  }
}

/// f(args...) of what the message holds: callable, then arguments.
template <class F, class... Args>
struct PlainTask {
  /// Calls f(first..., args...).
  template <class... First>
  static Message call(MessageReader& from, First&... first) {
    auto f = unpack_callable<F>(from);
    auto args = std::tuple<Args...>{unpack<Args>(from)...};
    return pack_result([&]() -> decltype(auto) {
      return std::apply([&](auto&... a) -> decltype(auto) { return f(first..., a...); }, args);
    });
  }
  static Message run(MessageReader& from, const Comm*) { return call(from); }
};

/// f(gang, args...)
template <class F, class... Args>
struct GangTask {
  static Message run(MessageReader& from, const Comm* gang) {
    from.comm = gang;
    return PlainTask<F, Args...>::call(from, *gang);
  }
};

/// f(before, args...): the message holds `before` first, because it is put in front when it is
/// known.
template <class Before, class F, class... Args>
struct ContinuationTask {
  static Message run(MessageReader& from, const Comm*) {
    auto before = unpack<Before>(from);
    return PlainTask<F, Args...>::call(from, before);
  }
};

/// Several elements of a map as one task; what was done before an exception is kept.
template <class R>
struct Chunk {
  std::vector<R> values;
  Failure failure;
  int worker = -1;
  std::string host;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values, failure, worker, host);
  }
};

template <class F, class... Args>
struct ChunkTask {
  using R = TaskResult<F, Args...>;
  static Message run(MessageReader& from, const Comm*) {
    auto f = unpack_callable<F>(from);
    auto elements = unpack<std::vector<std::tuple<Args...>>>(from);
    Chunk<std::conditional_t<std::is_void_v<R>, char, R>> chunk;
    try {
      for (auto& args : elements) {
        if constexpr (std::is_void_v<R>) {
          std::apply(f, args);
          chunk.values.push_back(0);
        } else {
          chunk.values.push_back(std::apply(f, args));
        }
      }
    } catch (...) {
      chunk.failure = Failure::current();
      chunk.worker = this_worker::rank();
      chunk.host = host_name();
    }
    return packed(std::move(chunk));
  }
};

/// Arrays that belong to the callable or its arguments are not copied: the message owns both.
template <class F, class... Args>
Message pack_call(std::shared_ptr<const F> f, std::tuple<Args...> args) {
  Message message;
  pack_callable<F>(message, *f);
  if (!message.blocks.empty()) message.owners.push_back(std::move(f));
  auto owned = std::make_shared<const std::tuple<Args...>>(std::move(args));
  std::apply([&](const auto&... a) { (pack(message, a), ...); }, *owned);
  if (!message.blocks.empty()) message.owners.push_back(std::move(owned));
  return message;
}

template <class F>
std::shared_ptr<const F> kept(F f) {
  return std::make_shared<const F>(std::move(f));
}

template <class R, class F, class... Args>
constexpr void require_portable() {
  require_portable_callable<F>();
  (require_portable_value<Args>(), ...);
  if constexpr (!std::is_void_v<R>) require_portable_value<R>();
}

/// The task of code `Task` that calls f with these arguments.
template <class Task, class F, class... Args>
TaskSpec make_spec(std::shared_ptr<const F> f, std::tuple<Args...> args, int ranks = 0) {
  return {Registered<Task>::id, pack_call<F>(std::move(f), std::move(args)), {}, ranks};
}

template <class F, class... Args>
TaskSpec make_task(std::shared_ptr<const F> f, Args&&... args) {
  require_portable<TaskResult<F, std::decay_t<Args>...>, F, std::decay_t<Args>...>();
  return make_spec<PlainTask<F, std::decay_t<Args>...>>(
      std::move(f), std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...));
}

template <class F, class... Args>
TaskSpec make_gang(int ranks, std::shared_ptr<const F> f, Args&&... args) {
  require_portable<GangResult<F, std::decay_t<Args>...>, F, std::decay_t<Args>...>();
  return make_spec<GangTask<F, std::decay_t<Args>...>>(
      std::move(f), std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...), ranks);
}

template <class Before, class F, class... Args>
TaskSpec make_continuation(std::shared_ptr<const F> f, Args&&... args) {
  require_portable<TaskResult<F, Before, std::decay_t<Args>...>, F, Before,
                   std::decay_t<Args>...>();
  return make_spec<ContinuationTask<Before, F, std::decay_t<Args>...>>(
      std::move(f), std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...));
}

template <class F, class... Args>
TaskSpec make_chunk(std::shared_ptr<const F> f, std::vector<std::tuple<Args...>> elements) {
  require_portable<TaskResult<F, Args...>, F, Args...>();
  return make_spec<ChunkTask<F, Args...>>(std::move(f), std::tuple(std::move(elements)));
}

}  // namespace kronsolve::detail
