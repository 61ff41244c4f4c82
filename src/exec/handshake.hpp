#pragma once
// How a pool and its workers prove to each other that they belong together: both know a secret,
// and neither shows it.

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "exec/channel.hpp"

namespace kronsolve::detail {

/// 128 bits that only a pool and its workers know.
class Secret {
 public:
  using Words = std::array<std::uint64_t, 2>;
  static Secret random();
  /// As a worker is told: hexadecimal digits.
  std::string text() const;
  /// @throws InvalidArgument
  static Secret parse(const std::string& text);
  /// A keyed hash (SipHash-2-4 with 128 bits) that only who knows the secret can compute.
  Words hash(std::span<const std::byte> bytes) const;
  explicit Secret(const Words& key) : key_(key) {}

 private:
  Words key_;
};

/// The owner's side of one connection: greeting in, challenge out, proof in.
class OwnerHandshake {
 public:
  /// @throws Error  that is not how a worker speaks
  Frame answer(const Secret& secret, const Frame& greeting);
  bool greeted() const noexcept { return greeted_; }
  bool accepts(const Secret& secret, const Frame& proof) const;

 private:
  Secret::Words theirs_{}, mine_{};
  bool greeted_ = false;
};

/// The worker's side; false if the connection ended before.
/// @throws Error  the other side does not know the secret
bool greet_owner(Channel& channel, const Secret& secret);

}  // namespace kronsolve::detail
