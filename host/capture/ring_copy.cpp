#include "capture/ring_copy.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "capture/format.h"
#include "capture/process_reader.h"
#include "support/file.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

struct Block {
  BlockHeader header;
  std::array<std::byte, kPayloadSize> payload;
};
static_assert(sizeof(Block) == kBlockSize);

std::string_view bytes_of(const void* data, std::size_t size) {
  return {static_cast<const char*>(data), size};
}

std::uint64_t offset_of_block(std::uint32_t block) noexcept { return std::uint64_t{block} * kBlockSize; }

FileHeader read_header(const BlockFile& file) {
  FileHeader header{};
  file.read(&header, sizeof header, 0, "the header of an events file");
  if (header.magic != kFileMagic) file.reject(0, "the mark of an events file of gilscope's");
  if (header.version != kFormatVersion || header.is_ring != 1) {
    file.reject(offsetof(FileHeader, version), "a ring of this version");
  }
  return header;
}

class RingCopy {
 public:
  RingCopy(const std::filesystem::path& source, const RingSpan& span)
      : file_(source, kLiveSuffix), span_(span), header_(read_header(file_)) {}

  [[nodiscard]] bool has_ended() const {
    return header_.is_finished == 1 && header_.end.ticks <= span_.begin;
  }

  // Homes first: what they spill from then on is in both, and what they have spilled is in the ring, or was
  // written over, which the header says in the end.
  void write_to(const std::filesystem::path& target) {
    OutputFile out(target, Existing::Keep);
    copy_homes();
    file_.look_again();
    copy_parts();
    settle_header();
    out.append(bytes_of(&header_, sizeof header_));
    for (const auto& block : blocks_) out.append(bytes_of(block.get(), sizeof *block));
    out.commit();
  }

 private:
  [[nodiscard]] BlockHeader read_head(std::uint32_t block) const {
    BlockHeader header{};
    file_.read(&header, sizeof header, offset_of_block(block), "a block of a stream");
    return header;
  }
  void read_payload(std::uint32_t block, std::uint32_t size, Block& to) const {
    file_.read(to.payload.data(), size, offset_of_block(block) + kBlockHeaderSize, "a block of a stream");
  }

  // A part of a home grows while it is copied, until it is spilled: then the next one is copied instead.
  [[nodiscard]] std::unique_ptr<Block> read_home(std::uint32_t home) const {
    auto block = std::make_unique<Block>();
    for (unsigned tries = 0; tries < kTries; ++tries) {
      block->header = read_head(home);
      if (block->header.magic != kBlockMagic || block->header.used > kPayloadSize) {
        file_.reject(offset_of_block(home), "the home of a stream");
      }
      read_payload(home, block->header.used, *block);
      const auto after = read_head(home);
      if (after.sequence == block->header.sequence && after.used >= block->header.used) break;
    }
    return block;
  }

  void copy_homes() {
    for (std::uint32_t home = header_.first_stream; home != 0;) {
      if (homes_.size() >= file_.blocks()) file_.reject(offset_of_block(home), "streams, each once");
      auto block = read_home(home);
      const std::uint32_t next = block->header.next_stream;
      const auto number = static_cast<std::uint32_t>(blocks_.size()) + 1;
      homes_[home] = number;
      block->header.stream = number;
      block->header.next_stream = next == 0 ? 0 : number + 1;
      blocks_.push_back(std::move(block));
      home = next;
    }
    header_.first_stream = blocks_.empty() ? 0 : 1;
  }

  // What was written over meanwhile has another head afterwards.
  void copy_parts() {
    for (std::uint32_t from = file_.next_written(1); from < file_.blocks();
         from = file_.next_written(from + 1)) {
      const auto header = read_head(from);
      const auto home = homes_.find(header.stream);
      if (header.magic != kBlockMagic || header.stream == from || home == homes_.end()) continue;
      if (header.last_ticks <= span_.begin || header.used > kPayloadSize) continue;
      auto block = std::make_unique<Block>();
      block->header = header;
      read_payload(from, header.used, *block);
      const auto after = read_head(from);
      if (after.magic != kBlockMagic || after.stream != header.stream || after.sequence != header.sequence) {
        continue;
      }
      block->header.stream = home->second;
      blocks_.push_back(std::move(block));
    }
  }

  void settle_header() {
    header_.lost_until = std::max(read_header(file_).lost_until, span_.begin);
    const bool has_ended = header_.is_finished == 1 || !is_alive(header_.pid);
    if (!has_ended || (header_.is_finished == 1 && header_.end.ticks > span_.end.ticks)) {
      header_.is_finished = 1;
      header_.end = {.ticks = std::max(span_.end.ticks, header_.begin.ticks),
                     .time = std::max(span_.end.time.count(), header_.begin.time)};
    }
    header_.blocks = static_cast<std::uint32_t>(blocks_.size()) + 1;
  }

  static constexpr unsigned kTries = 1000;

  BlockFile file_;
  RingSpan span_;
  FileHeader header_;
  std::map<std::uint32_t, std::uint32_t> homes_;  // the copy's, by the source's
  std::vector<std::unique_ptr<Block>> blocks_;    // of the copy, from 1 on
};

}  // namespace

RingHead read_ring_head(const std::filesystem::path& source) {
  const FileHeader header = read_header(BlockFile(source, kLiveSuffix));
  return {.began = header.begin.ticks, .lost_until = header.lost_until};
}

bool copy_ring(const std::filesystem::path& source, const std::filesystem::path& target,
               const RingSpan& span) {
  RingCopy copy(source, span);
  if (copy.has_ended()) return false;
  copy.write_to(target);
  return true;
}

}  // namespace gilscope
