// Reads one stream of a process's file, part by part, record by record; trusts nothing in it. A window of one
// part is in memory at a time, as large as what is in it: all streams of a file are read at once, and it may
// have many of which each says little.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/code_stacks.h"
#include "capture/format.h"
#include "probe/event.h"
#include "probe/lock_table.h"
#include "support/file.h"

namespace gilscope {

// What the records say beside events, as far as they have been read.
struct CaptureNames {
  std::string process;                      // "": nobody named it
  std::map<ThreadId, std::string> threads;  // the last name of each
  std::map<GilId, std::int64_t> owners;     // the interpreter that owns the GIL
  CodeStacks stacks;
};

// A file that is read at offsets.
class BlockFile {
 public:
  // Where there is one whose name has this suffix in addition, that. Throws Error where it is no regular
  // file, or cannot be read.
  explicit BlockFile(std::filesystem::path path, std::string_view rather = {});

  // Throw Error where the file has not that much.
  void expect(std::size_t size, std::uint64_t offset, const char* expected) const;
  void read(void* to, std::size_t size, std::uint64_t offset, const char* expected) const;

  // Throws the one Error for a file that is not as it must be.
  [[noreturn]] void reject(std::uint64_t offset, const std::string& expected) const;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }  // when it was opened
  [[nodiscard]] std::uint32_t blocks() const noexcept;                 // whole ones
  // Its process may have made it longer: of that size from here on.
  void look_again() noexcept;
  // The first of them from this one on that is not a hole; blocks() where there is none.
  [[nodiscard]] std::uint32_t next_written(std::uint32_t block) const noexcept;

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
  std::uint64_t size_ = 0;
};

// A wait for one of Python's locks, which is over.
struct CapturedWait {
  GilId gil{};  // that the thread used last
  ThreadId thread{};
  std::uint64_t begin = 0;  // ticks, both
  std::uint64_t end = 0;
  WaitFor wait_for{};
  std::optional<ThreadId> ender;
  std::optional<StackId> stands;  // where it waited
};

// The parts of a stream of a ring that are still there.
struct RingParts {
  std::vector<std::uint32_t> spilled;  // blocks, the oldest first
  bool has_home = true;                // the home says what these do not
};

class StreamReader {
 public:
  // How much of a part each of so many streams should have in memory: all of them 64 MiB, but 2 KiB each.
  static constexpr std::uint32_t window_of(std::size_t streams) noexcept {
    constexpr std::size_t kAllStreams = std::size_t{64} << 20U;
    const auto even = kAllStreams / std::max<std::size_t>(streams, 1);
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(even, kLeastWindow, kPayloadSize));
  }

  // `window`: at least kLeastWindow bytes. Of a ring `parts` are the spilled ones that follow each other, and
  // the home is the next of them, or empty.
  StreamReader(const BlockFile& file, std::uint32_t home, bool is_finished, CaptureNames& names,
               std::uint32_t window = kPayloadSize, std::optional<RingParts> parts = {});

  // Goes to the next event, or wait for a lock; false at the end of the stream. Throws Error.
  bool advance();
  [[nodiscard]] const EventKey& key() const noexcept { return key_; }
  [[nodiscard]] const Event& event() const noexcept { return event_; }
  // Instead of an event; nullptr: it is one.
  [[nodiscard]] const CapturedWait* lock_wait() const noexcept {
    return is_lock_wait_ ? &lock_wait_ : nullptr;
  }
  // Where the event's thread stands; empty where that was not noted.
  [[nodiscard]] std::optional<StackId> stands() const noexcept { return stands_; }

 private:
  static constexpr std::uint32_t kLeastWindow = 2048;

  bool load_more();
  bool load_next_part();
  bool load_next_part_of_ring();
  bool load_home();
  void load(std::uint32_t block);
  void load_header(std::uint32_t block);
  void load_window(std::uint32_t begin);
  bool read_control(unsigned byte);
  void read_long_event(unsigned kind);
  std::uint64_t read_delta();
  void read_lock_wait();
  std::uint64_t read_number(std::uint64_t max, const char* expected);
  std::size_t read_index(std::size_t size, const char* expected);
  void read_name();
  void read_file();
  void read_place();
  void read_stack();
  std::string read_text(std::uint32_t max, const char* expected_length, const char* expected);
  [[noreturn]] void reject(const char* expected) const;

  const BlockFile* file_;
  CaptureNames* names_;
  std::uint32_t home_;
  bool is_finished_;
  bool is_at_home_ = false;
  std::optional<RingParts> ring_;
  std::uint32_t next_ = 0;    // spilled part to be read, 0: none
  std::uint32_t latest_ = 0;  // spilled part that was read last, 0: none
  std::uint64_t parts_ = 0;   // read so far
  std::uint32_t block_ = 0;   // the one that is loaded
  BlockHeader header_{};      // its
  // The window: of the payload's bytes from begin_ on. A record begins before safe_, and is whole in there
  // unless the part's end cuts it off.
  std::uint32_t window_;
  std::uint32_t begin_ = 0;
  std::uint32_t position_ = 0;  // from here on of the window
  std::uint32_t safe_ = 0;
  std::uint32_t used_ = 0;
  std::uint32_t room_ = 0;  // what bytes_ has
  // A short event is read as 4 bytes, also where the payload ends before.
  static constexpr std::uint32_t kBeyond = 4;
  std::unique_ptr<std::byte[]> bytes_;  // NOLINT(*-avoid-c-arrays): a vector would fill it with zeros
  EventKey key_;
  Event event_{};
  std::optional<StackId> stands_;
  CapturedWait lock_wait_{};
  bool is_lock_wait_ = false;
  // What the stream has told of, by its numbers.
  std::vector<std::string> files_;
  std::vector<PlaceId> places_;
  std::vector<StackId> stacks_;
};

}  // namespace gilscope
