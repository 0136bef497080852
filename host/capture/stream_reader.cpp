#include "capture/stream_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "capture/records.h"
#include "support/error.h"

namespace gilscope {
namespace {

std::uint64_t offset_in_file(std::uint32_t block) noexcept { return std::uint64_t{block} * kBlockSize; }

constexpr std::uint64_t kMaxId = std::numeric_limits<std::uint32_t>::max();

// As a reader takes it, who has no objection to a number of ten bytes where fewer would do.
constexpr std::uint32_t kLongestRecord =
    1 + std::max(2 * kLongestNumber + kMaxPathLength, (1 + kMaxStackDepth) * kLongestNumber);

}  // namespace

BlockFile::BlockFile(std::filesystem::path path, std::string_view rather) : path_(path) {
  // Not blocked by a pipe that nobody writes to.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  path_ += rather;
  file_ = FileDescriptor(open(path_.c_str(), kFlags));
  if (file_.get() < 0 && errno == ENOENT && !rather.empty()) {
    path_ = std::move(path);
    file_ = FileDescriptor(open(path_.c_str(), kFlags));
  }
  struct stat status{};
  if (file_.get() < 0 || fstat(file_.get(), &status) != 0) {
    throw Error(fmt::format("{} cannot be read: {}", path_.string(), std::strerror(errno)), "");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(fmt::format("{} is no regular file", path_.string()), "name the folder of a capture");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

std::uint32_t BlockFile::blocks() const noexcept {
  return static_cast<std::uint32_t>(std::min(size_ / kBlockSize, kMaxId));
}

void BlockFile::look_again() noexcept {
  struct stat status{};
  if (fstat(file_.get(), &status) == 0) size_ = static_cast<std::uint64_t>(status.st_size);
}

std::uint32_t BlockFile::next_written(std::uint32_t block) const noexcept {
  const off_t data = lseek(file_.get(), static_cast<off_t>(offset_in_file(block)), SEEK_DATA);
  if (data < 0) return errno == ENXIO ? blocks() : block;
  return std::max(block, static_cast<std::uint32_t>(static_cast<std::uint64_t>(data) / kBlockSize));
}

void BlockFile::expect(std::size_t size, std::uint64_t offset, const char* expected) const {
  if (offset <= size_ && size <= size_ - offset) return;
  struct stat status{};  // of a process that still writes it has grown
  fstat(file_.get(), &status);
  const auto end = static_cast<std::uint64_t>(status.st_size);
  if (offset > end || size > end - offset) reject(end, expected);
}

void BlockFile::read(void* to, std::size_t size, std::uint64_t offset, const char* expected) const {
  expect(size, offset, expected);
  auto* out = static_cast<std::byte*>(to);
  while (size > 0) {
    const auto count = pread(file_.get(), out, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw Error(
          fmt::format("{} cannot be read at byte {}: {}", path_.string(), offset, std::strerror(errno)), "");
    }
    if (count == 0) reject(offset, expected);
    out += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
}

void BlockFile::reject(std::uint64_t offset, const std::string& expected) const {
  throw Error(fmt::format("{}: byte {}: expected {}", path_.string(), offset, expected),
              "the file is damaged or no capture of gilscope's: record again");
}

StreamReader::StreamReader(const BlockFile& file, std::uint32_t home, bool is_finished, CaptureNames& names,
                           std::uint32_t window, std::optional<RingParts> parts)
    : file_(&file),
      names_(&names),
      home_(home),
      is_finished_(is_finished),
      ring_(std::move(parts)),
      window_(window) {
  load_header(home);
  next_ = header_.first;
}

void StreamReader::reject(const char* expected) const {
  file_->reject(offset_in_file(block_) + kBlockHeaderSize + begin_ + position_, expected);
}

void StreamReader::load(std::uint32_t block) {
  load_header(block);
  load_window(0);
}

// The number of a part within its stream makes sure that no list of parts goes round in a circle.
void StreamReader::load_header(std::uint32_t block) {
  block_ = block;
  file_->expect(kBlockSize, offset_in_file(block), "a block of a stream");
  file_->read(&header_, sizeof header_, offset_in_file(block), "a block of a stream");
  const auto require = [&](bool is_so, std::size_t offset, const char* expected) {
    if (!is_so) file_->reject(offset_in_file(block) + offset, expected);
  };
  require(header_.magic == kBlockMagic, offsetof(BlockHeader, magic), "the mark of a block");
  require(header_.stream == home_, offsetof(BlockHeader, stream), "the number of this stream");
  require(header_.used <= kPayloadSize, offsetof(BlockHeader, used), "at most 16256 bytes of records");
  require(header_.ticks <= kMaxTicks, offsetof(BlockHeader, ticks), "a time below 2^62 ticks");
  require(header_.gil < kMaxGils, offsetof(BlockHeader, gil), "a GIL below 262144");
  key_ = {header_.ticks, header_.tie};
  event_ = {.ticks = header_.ticks, .gil = GilId{header_.gil}, .thread = ThreadId{header_.thread}};
}

void StreamReader::load_window(std::uint32_t begin) {
  const std::uint32_t rest = header_.used - begin;
  const std::uint32_t size = std::min(rest, window_);
  if (size > room_) {
    bytes_ = std::make_unique_for_overwrite<std::byte[]>(size + kBeyond);  // NOLINT(*-avoid-c-arrays)
    room_ = size;
  }
  if (size > 0) {
    file_->read(bytes_.get(), size, offset_in_file(block_) + kBlockHeaderSize + begin, "a block of a stream");
    std::memset(bytes_.get() + size, 0, kBeyond);
  }
  begin_ = begin;
  position_ = 0;
  used_ = size;
  safe_ = size == rest ? size : size - kLongestRecord;
}

bool StreamReader::load_more() {
  if (used_ == safe_) return load_next_part();  // it was the part's last window
  load_window(begin_ + position_);
  return true;
}

// Each tells anew whatever it names.
bool StreamReader::load_next_part_of_ring() {
  const bool is_home = parts_ == ring_->spilled.size();
  if (is_at_home_ || (is_home && !ring_->has_home)) return false;
  is_at_home_ = is_home;
  files_.clear();
  places_.clear();
  stacks_.clear();
  load(is_home ? home_ : ring_->spilled[parts_++]);
  return true;
}

bool StreamReader::load_next_part() {
  if (ring_) return load_next_part_of_ring();
  if (is_at_home_) return false;
  if (next_ == 0 && load_home()) {
    is_at_home_ = true;
    if (header_.sequence == parts_) return true;
    // Killed when the part had been spilled and the next not begun: it is read already.
    if (!is_finished_ && header_.sequence + 1 == parts_) return false;
    file_->reject(offset_in_file(home_) + offsetof(BlockHeader, sequence), fmt::format("part {}", parts_));
  }
  latest_ = next_;
  load(next_);
  if (header_.sequence != parts_) {
    file_->reject(offset_in_file(next_) + offsetof(BlockHeader, sequence), fmt::format("part {}", parts_));
  }
  ++parts_;
  next_ = header_.next;
  return true;
}

// False where the process goes on writing, and has spilled the part meanwhile: that one is next_ then. Where
// it is linked by nobody yet, what was loaded is whole, as records are only added to it.
bool StreamReader::load_home() {
  // At once, as its process may still write to it, and begin it anew.
  if (!is_finished_) window_ = kPayloadSize;
  load(home_);
  if (is_finished_) return true;
  BlockHeader before{};
  file_->read(&before, sizeof before, offset_in_file(latest_ != 0 ? latest_ : home_), "a block of a stream");
  next_ = latest_ != 0 ? before.next : before.first;
  return next_ == 0;
}

bool StreamReader::advance() {
  stands_.reset();
  is_lock_wait_ = false;
  for (;;) {
    if (position_ >= safe_) {
      if (!load_more()) return false;
      continue;
    }
    std::uint32_t word = 0;
    std::memcpy(&word, bytes_.get() + position_, sizeof word);
    const unsigned code = word & 3U;
    if (code == kControlCode) [[unlikely]] {
      if (read_control(word & 0xffU)) return true;
      continue;
    }
    const std::uint32_t end = position_ + 2 + code;
    if (end > used_) reject("a whole event");
    const std::uint32_t mask = 0xffff'ffffU >> (16U - 8U * code);
    const std::uint64_t delta = (word & mask) >> 4U;
    // No overflow: a block holds fewer than 2^14 of these, each below 2^28, after times below 2^62.
    key_ = {key_.ticks + delta, 0};
    event_.ticks = key_.ticks;
    event_.kind = static_cast<EventKind>((word >> 2U) & 3U);
    position_ = end;
    return true;
  }
}

bool StreamReader::read_control(unsigned byte) {
  const unsigned kind = byte >> 2U;
  if (kind > static_cast<unsigned>(ControlKind::LockWait)) reject("a kind of record of this version");
  ++position_;
  switch (static_cast<ControlKind>(kind)) {
    case ControlKind::Thread:
      event_.thread = ThreadId{static_cast<std::uint32_t>(read_number(kMaxId, "a thread id of 32 bits"))};
      return false;
    case ControlKind::Gil:
      event_.gil = GilId{static_cast<std::uint32_t>(read_number(kMaxGils - 1, "a GIL below 262144"))};
      return false;
    case ControlKind::Owner: {
      const auto gil = GilId{static_cast<std::uint32_t>(read_number(kMaxGils - 1, "a GIL below 262144"))};
      names_->owners[gil] =
          from_zigzag(read_number(std::numeric_limits<std::uint64_t>::max(), "an interpreter's id"));
      return false;
    }
    case ControlKind::Name:
      read_name();
      return false;
    case ControlKind::File:
      read_file();
      return false;
    case ControlKind::Place:
      read_place();
      return false;
    case ControlKind::Stack:
      read_stack();
      return false;
    case ControlKind::At:
      stands_ = stacks_[read_index(stacks_.size(), "a stack that the stream has told of")];
      return false;
    case ControlKind::LockWait:
      read_lock_wait();
      return true;
    default:
      read_long_event(kind - static_cast<unsigned>(ControlKind::LongEvent));
      return true;
  }
}

std::uint64_t StreamReader::read_delta() {
  return read_number(kMaxTicks - std::min(key_.ticks, kMaxTicks), "a time below 2^62 ticks");
}

void StreamReader::read_lock_wait() {
  key_ = {key_.ticks + read_delta(), 0};
  event_.ticks = key_.ticks;
  const std::uint64_t length = read_number(key_.ticks, "a wait that begins after the clock did");
  const auto wait_for = read_number(static_cast<std::uint64_t>(WaitFor::World), "for what it is, 0 to 2");
  const auto ender = static_cast<std::uint32_t>(read_number(kMaxId, "a thread id of 32 bits"));
  const auto stack = read_number(stacks_.size(), "a stack that the stream has told of");
  lock_wait_ = {.gil = event_.gil,
                .thread = event_.thread,
                .begin = key_.ticks - length,
                .end = key_.ticks,
                .wait_for = static_cast<WaitFor>(wait_for),
                .ender = ender != 0 ? std::optional(ThreadId{ender}) : std::nullopt,
                .stands = stack != 0 ? std::optional(stacks_[stack - 1]) : std::nullopt};
  is_lock_wait_ = true;
}

void StreamReader::read_long_event(unsigned kind) {
  const std::uint64_t delta = read_delta();
  const std::uint64_t tie = read_number(kMaxId, "an order of 32 bits among equal times");
  key_ = {key_.ticks + delta, tie};
  event_.ticks = key_.ticks;
  event_.kind = static_cast<EventKind>(kind);
}

void StreamReader::read_name() {
  const auto thread = ThreadId{static_cast<std::uint32_t>(read_number(kMaxId, "a thread id of 32 bits"))};
  std::string name = read_text(kMaxNameLength, "a name of at most 255 bytes", "a whole name");
  (thread == kProcessItself ? names_->process : names_->threads[thread]) = std::move(name);
}

void StreamReader::read_file() {
  files_.push_back(read_text(kMaxPathLength, "a path of at most 1000 bytes", "a whole path"));
}

void StreamReader::read_place() {
  CodePlace place{.file = files_[read_index(files_.size(), "a file that the stream has told of")]};
  place.line = static_cast<std::uint32_t>(read_number(kMaxId, "a line of 32 bits"));
  place.function = read_text(kMaxNameLength, "a name of at most 255 bytes", "a whole name");
  places_.push_back(names_->stacks.add(std::move(place)));
}

void StreamReader::read_stack() {
  const std::uint32_t begin = position_;
  const auto depth = read_number(kMaxStackDepth, "a stack of at most 32 places");
  if (depth == 0) {
    position_ = begin;
    reject("a stack of at least one place");
  }
  std::vector<PlaceId> places;
  for (std::uint64_t i = 0; i < depth; ++i) {
    places.push_back(places_[read_index(places_.size(), "a place that the stream has told of")]);
  }
  stacks_.push_back(names_->stacks.add(std::move(places)));
}

std::string StreamReader::read_text(std::uint32_t max, const char* expected_length, const char* expected) {
  const auto length = static_cast<std::uint32_t>(read_number(max, expected_length));
  if (length > used_ - position_) reject(expected);
  const auto* const text = reinterpret_cast<const char*>(bytes_.get()) + position_;
  position_ += length;
  return {text, length};
}

// Of something that has `size` elements.
std::size_t StreamReader::read_index(std::size_t size, const char* expected) {
  if (size == 0) reject(expected);
  return static_cast<std::size_t>(read_number(size - 1, expected));
}

std::uint64_t StreamReader::read_number(std::uint64_t max, const char* expected) {
  const std::uint32_t begin = position_;
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (position_ >= used_) reject("a whole number");
    const auto byte = static_cast<std::uint64_t>(bytes_[position_++]);
    const std::uint64_t bits = byte & 0x7fU;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if (byte < 0x80U) {
      if (value <= max) return value;
      break;
    }
  }
  position_ = begin;
  reject(expected);
}

}  // namespace gilscope
