// The records of a block's payload: how one is written, and the numbers of which it is made. Reading is in
// stream_reader.h, as a reader checks what a writer knows.
//
//   event    c c k k d d d d | d × 8 (c + 1)    c: 0, 1 or 2; k: kind; d: ticks since the record before
//   control  1 1 o o o o o o | …                o: ControlKind; numbers as in LEB128, 7 bits a byte
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "capture/format.h"
#include "probe/event.h"

namespace gilscope {

enum class ControlKind : std::uint8_t {
  LongEvent = 0,  // and 1, 2, 3: plus the event's kind. delta, tie
  Thread = 4,     // thread: whose the records are from here
  Gil = 5,        // gil: which one the events are of from here
  Owner = 6,      // gil, interpreter (zigzag)
  Name = 7,       // thread, length, that many bytes
  // Files, places and stacks are numbered in the order in which the stream tells of them, from 0.
  File = 8,    // length, that many bytes
  Place = 9,   // file, line (0: unknown), length and bytes of the function's name
  Stack = 10,  // how many places, then the places, the innermost first
  At = 11,     // stack: where the thread stands at the next event
  // A wait for one of Python's locks that ends there. delta, ticks it took, WaitFor, who ended it (0:
  // unknown), and where it was waited: stack + 1 (0: unknown).
  LockWait = 12,
};

// Names of the process are told under this thread id, which the system gives to nobody.
inline constexpr ThreadId kProcessItself{};

inline constexpr unsigned kControlCode = 3;
inline constexpr unsigned kShortDeltaBits = 28;
inline constexpr std::uint64_t kShortDeltaEnd = std::uint64_t{1} << kShortDeltaBits;

inline constexpr std::uint32_t kShortEventRoom = 4;  // what write_short_event touches, whatever it uses
inline constexpr std::uint32_t kLongestNumber = 10;
// Changes of thread and GIL, and a long event.
inline constexpr std::uint32_t kEventRoom = 2 * (1 + 5) + 1 + 2 * kLongestNumber + kShortEventRoom;
inline constexpr std::uint32_t kOwnerRoom = 1 + 2 * kLongestNumber + (1 + 5);
inline constexpr std::uint32_t kNameRoom = 1 + 5 + 2 + kMaxNameLength;
inline constexpr std::uint32_t kFileRoom = 1 + 2 + kMaxPathLength;
inline constexpr std::uint32_t kPlaceRoom = 1 + 2 * 5 + 2 + kMaxNameLength;
inline constexpr std::uint32_t kStackRoom = 1 + 1 + kMaxStackDepth * 5;
inline constexpr std::uint32_t kAtRoom = 1 + 5;
inline constexpr std::uint32_t kLockWaitRoom = kEventRoom + 1 + 2 * kLongestNumber + 3 * 5;

// `delta` < kShortDeltaEnd. Returns the bytes it takes: 2 up to 12 bits of it, 3 up to 20, else 4.
inline std::uint32_t write_short_event(std::byte* to, EventKind kind, std::uint64_t delta) noexcept {
  const unsigned code = static_cast<unsigned>(delta >> 12U != 0) + static_cast<unsigned>(delta >> 20U != 0);
  const std::uint32_t word =
      (static_cast<std::uint32_t>(delta) << 4U) | (static_cast<std::uint32_t>(kind) << 2U) | code;
  std::memcpy(to, &word, sizeof word);
  return 2 + code;
}

constexpr std::uint64_t to_zigzag(std::int64_t value) noexcept {
  const std::uint64_t doubled = static_cast<std::uint64_t>(value) << 1U;
  return value < 0 ? ~doubled : doubled;
}
constexpr std::int64_t from_zigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1));
}

// Puts records one after the other; its user has made room.
class RecordWriter {
 public:
  explicit RecordWriter(std::byte* begin) noexcept : begin_(begin), end_(begin) {}

  void control(ControlKind kind, unsigned offset = 0) noexcept {
    const unsigned byte = ((static_cast<unsigned>(kind) + offset) << 2U) | kControlCode;
    *end_++ = static_cast<std::byte>(byte);
  }
  void number(std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7U) *end_++ = static_cast<std::byte>(value | 0x80U);
    *end_++ = static_cast<std::byte>(value);
  }
  void text(std::string_view text) noexcept {
    std::memcpy(end_, text.data(), text.size());
    end_ += text.size();
  }
  void event(EventKind kind, std::uint64_t delta) noexcept {
    if (delta < kShortDeltaEnd) {
      end_ += write_short_event(end_, kind, delta);
      return;
    }
    control(ControlKind::LongEvent, static_cast<unsigned>(kind));
    number(delta);
    number(0);  // no tie
  }

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(end_ - begin_); }

 private:
  std::byte* begin_;
  std::byte* end_;
};

}  // namespace gilscope
