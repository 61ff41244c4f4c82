#pragma once
// Callables sent by their type: both sides run the same executable, so a number stands for the
// code.

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <kronsolve/core/serialize.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// A function named at compile time, as a type of its own: `task<solve>`.
template <auto function>
struct FunctionTask {
  template <class... Args>
  decltype(auto) operator()(Args&&... args) const {  ///< calls the function
    return std::invoke(function, std::forward<Args>(args)...);
  }
};
/// The function as a value that a pool can be given: `pool.submit(task<solve>, arguments)`.
template <auto function>
inline constexpr FunctionTask<function> task{};

namespace detail {

using AnyFunction = void (*)();

/// The number of a piece of code in this executable, and a hash of its name: numbers alone could
/// mean another function in another build, names alone are not unique (two files may each have a
/// lambda of the same name).
struct CodeId {
  std::uint32_t index = 0;
  std::uint64_t name_hash = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(index, name_hash);
  }
};

/// Called before main only, by the initialisers of Registered.
KRONSOLVE_EXPORT CodeId register_code(const char* type_name, AnyFunction code);
/// @throws NotSupported  this process knows no such code: another build, or a plugin that is not
///                       loaded here
KRONSOLVE_EXPORT AnyFunction find_code(const CodeId& id);
KRONSOLVE_EXPORT std::string code_name(const CodeId& id);
KRONSOLVE_EXPORT std::size_t code_count();
/// Hash of all names in order: equal in two processes of the same build with the same plugins.
KRONSOLVE_EXPORT std::uint64_t code_digest();

/// Gives `Code::run` a number before main. Naming `Registered<Code>::id` anywhere is enough.
template <class Code>
struct Registered {
  inline static const CodeId id =
      register_code(typeid(Code).name(), reinterpret_cast<AnyFunction>(&Code::run));
};

/// A plain function as module and offset, which do not change between processes of one executable.
struct FunctionAddress {
  std::string module;  ///< empty: the executable itself
  std::uint64_t offset = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(module, offset);
  }
};
/// @throws NotSupported  the address is in no module
KRONSOLVE_EXPORT FunctionAddress locate_function(AnyFunction function);
/// @throws NotSupported  the module is not loaded here
KRONSOLVE_EXPORT AnyFunction resolve_function(const FunctionAddress& address);

template <class F>
inline constexpr bool is_function_pointer =
    std::is_pointer_v<F>&& std::is_function_v<std::remove_pointer_t<F>>;
template <class F>
inline constexpr bool is_stateless =
    std::is_class_v<F>&& std::is_empty_v<F>&& std::is_default_constructible_v<F>;
template <class F>
inline constexpr bool is_portable_callable =
    is_function_pointer<F> || is_stateless<F> || Serializable<F>;

template <class F>
constexpr void require_portable_callable() {
  static_assert(
      is_portable_callable<F>,
      "kronsolve: this callable cannot be sent to another process: a lambda must not capture "
      "anything "
      "(pass what it needs as arguments), a function object with state needs a cereal serialize()");
}
template <class T>
constexpr void require_portable_value() {
  static_assert(Serializable<T>,
                "kronsolve: an argument or result of this type cannot be sent to another process: "
                "give the class a "
                "cereal serialize() and a default constructor");
}

/// Writes the state of a callable, if it has any.
template <class F>
void pack_callable(Message& to, const F& f) {
  if constexpr (is_function_pointer<F>)
    pack(to, locate_function(reinterpret_cast<AnyFunction>(f)));
  else if constexpr (!is_stateless<F>)
    pack(to, f);
}

template <class F>
F unpack_callable(MessageReader& from) {
  if constexpr (is_function_pointer<F>)
    return reinterpret_cast<F>(resolve_function(unpack<FunctionAddress>(from)));
  else if constexpr (is_stateless<F>)
    return F{};
  else
    return unpack<F>(from);
}

}  // namespace detail

/// A function value that can be sent: std::function whose target is a portable callable. A value.
template <class Signature>
class PortableFunction;

/// The function value of a signature. Copies share nothing; sending one sends the number of its
/// code and what it holds.
template <class R, class... Args>
class PortableFunction<R(Args...)> {
 public:
  PortableFunction() = default;
  /// From a lambda without captures, a function, or a function object that cereal can serialise and
  /// that can be called with Args.
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, PortableFunction> &&
           detail::is_portable_callable<std::decay_t<F>> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
      PortableFunction(F&& f) {  // NOLINT: converts as std::function does
    using D = std::decay_t<F>;
    id_ = detail::Registered<Load<D>>::id;
    auto kept = std::make_shared<const D>(f);
    detail::pack_callable<D>(state_, *kept);
    if (!state_.blocks.empty()) state_.owners.push_back(std::move(kept));
    call_ = D(std::forward<F>(f));
  }
  /// As the function; std::bad_function_call if empty.
  R operator()(Args... args) const { return call_(std::forward<Args>(args)...); }
  explicit operator bool() const noexcept { return static_cast<bool>(call_); }  ///< false if empty

  template <class Archive>
  void save(Archive& archive) const {
    archive(id_, state_.stream, cereal::make_size_tag(cereal::size_type{state_.blocks.size()}));
    for (const auto& block : state_.blocks) {
      archive(cereal::make_size_tag(cereal::size_type{block.size()}));
      archive(cereal::binary_data(block.data(), block.size()));
    }
  }
  template <class Archive>
  void load(Archive& archive) {
    cereal::size_type blocks = 0;
    state_ = {};
    archive(id_, state_.stream, cereal::make_size_tag(blocks));
    for (cereal::size_type i = 0; i < blocks; ++i) {
      cereal::size_type bytes = 0;
      archive(cereal::make_size_tag(bytes));
      auto memory = std::make_shared_for_overwrite<std::byte[]>(bytes);
      archive(cereal::binary_data(memory.get(), bytes));
      state_.blocks.emplace_back(memory.get(), bytes);
      state_.owners.push_back(std::move(memory));
    }
    MessageReader reader(state_);
    call_ = reinterpret_cast<std::function<R(Args...)> (*)(MessageReader&)>(detail::find_code(id_))(
        reader);
  }

 private:
  template <class F>
  struct Load {
    static std::function<R(Args...)> run(MessageReader& from) {
      return detail::unpack_callable<F>(from);
    }
  };
  detail::CodeId id_;
  Message state_;
  std::function<R(Args...)> call_;
};

}  // namespace kronsolve
