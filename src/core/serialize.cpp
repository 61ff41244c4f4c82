#include <algorithm>
#include <cstdint>
#include <cstring>

#include <sys/mman.h>

#include <kronsolve/core/serialize.hpp>

namespace kronsolve {

BlockSource::~BlockSource() = default;

void expect_large(void* data, std::size_t bytes) noexcept {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t huge = std::uintptr_t{1} << 21;
  const auto begin = (reinterpret_cast<std::uintptr_t>(data) + huge - 1) / huge * huge;
  const auto end = (reinterpret_cast<std::uintptr_t>(data) + bytes) / huge * huge;
  if (begin < end) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#else
  (void)data, (void)bytes;
#endif
}

Message& Message::append(const Message& other) {
  KRONSOLVE_ASSERT(blocks.empty() || other.blocks.empty() || source == other.source);
  if (!other.blocks.empty()) source = other.source;
  stream += other.stream;
  blocks.insert(blocks.end(), other.blocks.begin(), other.blocks.end());
  owners.insert(owners.end(), other.owners.begin(), other.owners.end());
  return *this;
}

index_t Message::bytes() const noexcept {
  std::size_t sum = stream.size();
  for (const Block& block : blocks) sum += block.size();
  return static_cast<index_t>(sum);
}

void PackArchive::write_array(const void* data, std::size_t bytes) {
  if (bytes < block_threshold)
    write(data, bytes);
  else
    to_.blocks.emplace_back(static_cast<const std::byte*>(data), bytes);
}

void UnpackArchive::read(void* data, std::size_t bytes) {
  const std::string& stream = from_.message->stream;
  if (bytes > stream.size() - from_.stream_at)
    throw InvalidArgument(
        detail::concat("serialisation: ", bytes, " bytes wanted, the message has ",
                       stream.size() - from_.stream_at,
                       " left; what is read must be what was written, in that order"));
  if (bytes > 0) std::memcpy(data, stream.data() + from_.stream_at, bytes);
  from_.stream_at += bytes;
}

const std::byte* UnpackArchive::next_block(std::size_t bytes) {
  const auto& blocks = from_.message->blocks;
  if (from_.block_at == blocks.size() || blocks[from_.block_at].size() != bytes)
    throw InvalidArgument(
        detail::concat("serialisation: an array of ", bytes, " bytes wanted, the message has ",
                       from_.block_at == blocks.size() ? 0 : blocks[from_.block_at].size()));
  return blocks[from_.block_at++].data();
}

void UnpackArchive::read_array(void* data, std::size_t bytes) {
  if (bytes < block_threshold) return read(data, bytes);
  const std::byte* block = next_block(bytes);
  if (const auto& source = from_.message->source)
    source->read(block, bytes, data);
  else
    std::memcpy(data, block, bytes);
}

std::size_t UnpackArchive::read_length() {
  cereal::size_type length = 0;
  read(&length, sizeof length);
  // Nothing in a message is smaller than a bit; a longer length is damage, found before memory is
  // asked for.
  if (length / 8 > static_cast<cereal::size_type>(from_.message->bytes()))
    throw InvalidArgument(detail::concat("serialisation: a length of ", length, " in a message of ",
                                         from_.message->bytes(), " bytes"));
  return static_cast<std::size_t>(length);
}

}  // namespace kronsolve
