#include "exec/handshake.hpp"

#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include <sys/random.h>

namespace kronsolve::detail {

namespace {

using Words = Secret::Words;

Words random_words() {
  Words words{};
  auto* at = reinterpret_cast<char*>(words.data());
  for (std::size_t got = 0; got < sizeof words;) {
    const ssize_t n = ::getrandom(at + got, sizeof words - got, 0);
    if (n < 0 && errno != EINTR) throw Error(concat("getrandom: ", std::strerror(errno)));
    if (n > 0) got += static_cast<std::size_t>(n);
  }
  return words;
}

/// Takes as long for every pair: the time tells nothing about where they differ.
bool equal(const Words& a, const Words& b) {
  const volatile std::uint64_t difference = (a[0] ^ b[0]) | (a[1] ^ b[1]);
  return difference == 0;
}

/// What a side proves with: who it is and what both have drawn.
Words proof_of(const Secret& secret, std::uint64_t side, const Words& worker, const Words& owner) {
  const std::array<std::uint64_t, 5> facts = {side, worker[0], worker[1], owner[0], owner[1]};
  return secret.hash(std::as_bytes(std::span(facts)));
}
constexpr std::uint64_t owner_side = 1, worker_side = 2;

struct Challenge {
  Words drawn{}, proof{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(drawn, proof);
  }
};

template <class T>
T content(const Frame& frame, FrameType type) {
  if (frame.type != type) throw Error("a peer that does not speak this protocol");
  MessageReader reader(frame.body);
  return unpack<T>(reader);
}

}  // namespace

Secret Secret::random() { return Secret(random_words()); }

std::string Secret::text() const {
  std::array<char, 33> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx%016llx",
                static_cast<unsigned long long>(key_[0]), static_cast<unsigned long long>(key_[1]));
  return digits.data();
}

Secret Secret::parse(const std::string& text) {
  unsigned long long a = 0, b = 0;
  if (text.size() != 32 || std::sscanf(text.c_str(), "%16llx%16llx", &a, &b) != 2)
    throw InvalidArgument("the secret of a pool has 32 hexadecimal digits");
  return Secret({a, b});
}

// J.-P. Aumasson, D. J. Bernstein: SipHash: a fast short-input PRF, INDOCRYPT 2012; the variant with
// 128 bits of their reference implementation. Little-endian words.
Words Secret::hash(std::span<const std::byte> bytes) const {
  std::uint64_t v0 = key_[0] ^ 0x736f6d6570736575u, v1 = key_[1] ^ 0x646f72616e646f6du ^ 0xee,
                v2 = key_[0] ^ 0x6c7967656e657261u, v3 = key_[1] ^ 0x7465646279746573u;
  const auto mix = [&](int rounds) {
    for (; rounds > 0; --rounds) {
      v0 += v1;
      v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
  };
  const auto take = [&](std::uint64_t word) {
    v3 ^= word;
    mix(2);
    v0 ^= word;
  };
  const std::size_t whole = bytes.size() / 8;
  for (std::size_t i = 0; i < whole; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + 8 * i, 8);
    take(word);
  }
  std::uint64_t last = std::uint64_t{bytes.size()} << 56;
  for (std::size_t i = 8 * whole; i < bytes.size(); ++i)
    last |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * (i % 8));
  take(last);
  v2 ^= 0xee;
  mix(4);
  const std::uint64_t first = v0 ^ v1 ^ v2 ^ v3;
  v1 ^= 0xdd;
  mix(4);
  return {first, v0 ^ v1 ^ v2 ^ v3};
}

Frame OwnerHandshake::answer(const Secret& secret, const Frame& greeting) {
  theirs_ = content<Words>(greeting, FrameType::greeting);
  mine_ = random_words();
  greeted_ = true;
  return {FrameType::challenge, 0,
          packed(Challenge{mine_, proof_of(secret, owner_side, theirs_, mine_)})};
}

bool OwnerHandshake::accepts(const Secret& secret, const Frame& proof) const {
  return greeted_ && equal(content<Words>(proof, FrameType::proof),
                           proof_of(secret, worker_side, theirs_, mine_));
}

bool greet_owner(Channel& channel, const Secret& secret) {
  const Words drawn = random_words();
  channel.send({FrameType::greeting, 0, packed(drawn)});
  const auto frame = channel.wait_frame();
  if (!frame) return false;
  const auto challenge = content<Challenge>(*frame, FrameType::challenge);
  if (!equal(challenge.proof, proof_of(secret, owner_side, drawn, challenge.drawn)))
    throw Error(
        "the process that this worker was sent to is not the owner of its pool: it does not know "
        "the secret");
  channel.send(
      {FrameType::proof, 0, packed(proof_of(secret, worker_side, drawn, challenge.drawn))});
  channel.set_trusted();
  return true;
}

}  // namespace kronsolve::detail
