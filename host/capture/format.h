// The bytes of a process's file, as docs/capture-format.md says them. Writer and reader share this and
// nothing else. Every field is little-endian and lies at a multiple of its size; reserved bytes are zero.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace gilscope {

static_assert(std::endian::native == std::endian::little, "files are mapped and written as they are");

inline constexpr std::string_view kEventsSuffix = ".events";
// After the other: what is written to until its process is done with it, under the first of the two until the
// header is there. What has the plain name meanwhile is empty.
inline constexpr std::string_view kPartSuffix = ".part";
inline constexpr std::string_view kLiveSuffix = ".live";
inline constexpr const char* kMetadataFile = "capture.json";
inline constexpr const char* kSizeFile = "capture.size";
inline constexpr std::string_view kCaptureSchema = "gilscope.capture/1";

// The first byte is no text, and the line ends tell of a transfer that changed them.
inline constexpr std::array<std::uint8_t, 8> kFileMagic{0x8b, 'G', 'S', 'C', '\r', '\n', 0x1a, '\n'};
inline constexpr std::uint32_t kFormatVersion = 4;
inline constexpr std::uint32_t kOldestVersion = 2;  // that is read: it has no waits for locks, and 3 no rings
inline constexpr std::uint32_t kByteOrderMark = 0x01020304;
inline constexpr std::uint32_t kBlockMagic = 0x4b4c4247;  // "GBLK"

// Small enough to stay in the first-level cache and to be spilled in some microseconds, as the hook that
// spills holds a GIL's mutex meanwhile; large enough that a spill costs less than a nanosecond an event.
inline constexpr std::uint32_t kBlockSize = 16 * 1024;

// No clock gets there in centuries; it leaves sums of ticks within a block without overflow.
inline constexpr std::uint64_t kMaxTicks = (std::uint64_t{1} << 62U) - 1;
inline constexpr std::uint32_t kMaxGils = 1U << 18U;
inline constexpr std::uint32_t kMaxNameLength = 255;
inline constexpr std::uint32_t kMaxPathLength = 1000;
inline constexpr std::uint32_t kMaxStackDepth = 32;
inline constexpr std::uint64_t kNoTicks = ~std::uint64_t{0};

struct FilePoint {
  std::uint64_t ticks;
  std::int64_t time;  // ns of CLOCK_MONOTONIC
};

// Events of one thread that were not recorded.
struct FileDrops {
  std::uint32_t thread;
  std::uint32_t is_used;
  std::uint64_t count;
};

inline constexpr std::uint32_t kStartMethodSize = 64;
inline constexpr std::uint32_t kMetadataSize = 3776;
inline constexpr std::uint32_t kDropEntries = 768;

// Block 0.
struct FileHeader {
  std::array<std::uint8_t, 8> magic;
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint32_t block_size;
  std::uint32_t clock;  // 0: CLOCK_MONOTONIC, 1: time-stamp counter
  std::uint32_t pid;
  std::uint32_t parent_pid;
  FilePoint begin;
  FilePoint reference;         // of the same clock, at or before `begin`
  FilePoint end;               // where is_finished
  std::int64_t process_begin;  // ns of CLOCK_MONOTONIC; 0: unknown
  std::uint64_t events;        // where is_finished
  std::uint32_t is_finished;
  std::uint32_t first_stream;  // its home block; 0: none
  std::uint32_t blocks;        // where is_finished: of the whole file
  std::uint32_t start_method_length;
  std::uint32_t metadata_length;
  std::uint32_t is_ring;              // 1: the oldest parts are written over, and each can be read by itself
  std::uint64_t other_drops;          // of threads that found no entry
  std::uint64_t first_dropped_ticks;  // kNoTicks: nothing was dropped
  std::uint64_t lost_until;           // of a ring: after these ticks nothing was written over
  std::array<std::uint8_t, 112> reserved;
  std::array<char, kStartMethodSize> start_method;
  std::array<char, kMetadataSize> metadata;
  std::array<FileDrops, kDropEntries> drops;
};
static_assert(sizeof(FileHeader) == kBlockSize && std::is_trivial_v<FileHeader>);
static_assert(offsetof(FileHeader, begin) == 32 && offsetof(FileHeader, is_finished) == 96);
static_assert(offsetof(FileHeader, is_ring) == 116 && offsetof(FileHeader, lost_until) == 136);
static_assert(offsetof(FileHeader, start_method) == 256 && offsetof(FileHeader, drops) == 4096);

// Every other block that belongs to a stream: its home, which is its newest part, or an older, spilled part.
struct BlockHeader {
  std::uint32_t magic;
  std::uint32_t stream;    // the index of its home block
  std::uint64_t sequence;  // of the block within its stream
  std::uint32_t used;      // bytes of payload
  std::uint32_t next;      // spilled: the next part's index, 0 while the home is the next
  // The state before the first record.
  std::uint64_t ticks;
  std::uint32_t tie;
  std::uint32_t gil;
  std::uint32_t thread;
  // The rest is of homes only.
  std::uint32_t first;        // spilled part, 0: none
  std::uint32_t next_stream;  // its home, 0: the last
  std::uint32_t latest_point;
  std::array<FilePoint, 2> points;  // the one that latest_point says is whole
  std::uint64_t last_ticks;         // of a spilled part of a ring: of its last record
  std::array<std::uint8_t, 32> reserved;
};
inline constexpr std::uint32_t kBlockHeaderSize = 128;
static_assert(sizeof(BlockHeader) == kBlockHeaderSize && std::is_trivial_v<BlockHeader>);
static_assert(offsetof(BlockHeader, next) == 20 && offsetof(BlockHeader, first) == 44);
static_assert(offsetof(BlockHeader, points) == 56 && offsetof(BlockHeader, last_ticks) == 88);
inline constexpr std::uint32_t kPayloadSize = kBlockSize - kBlockHeaderSize;

// Where an event stands among all of its process. Along each stream and along each GIL it only grows (see
// docs/capture-format.md): so merging streams by it gives every GIL's events in the order in which its mutex
// let them come.
struct EventKey {
  std::uint64_t ticks = 0;
  std::uint64_t tie = 0;  // today always 0

  friend constexpr auto operator<=>(const EventKey&, const EventKey&) = default;
};

}  // namespace gilscope
