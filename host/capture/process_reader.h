// Reads the file of one process: its facts at once, its events one by one in their order, in memory that does
// not grow with them (a window a stream). Trusts nothing: what is not as docs/capture-format.md says is an
// Error that names file and byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/stream_reader.h"
#include "probe/clock.h"
#include "probe/event.h"

namespace gilscope {

struct ThreadDrops {
  ThreadId thread{};
  std::uint64_t events = 0;
};

struct ProcessFacts {
  std::uint32_t pid = 0;
  std::uint32_t parent_pid = 0;
  ClockKind clock = ClockKind::Monotonic;
  ClockPoint begin;         // of what is there: of a ring the oldest is not
  std::uint64_t began = 0;  // ticks: when it began to be recorded
  // For conversion: the earliest and the latest point that are known of its clock. Of a process that was
  // killed within its first tenth of a second they may be close, and the conversion coarse; another process
  // of the capture has the same clock.
  ClockPoint earliest;
  ClockPoint latest;
  bool is_finished = false;             // false: it ended without stop(), and everything it recorded is there
  std::optional<std::uint64_t> events;  // where it is finished
  std::optional<Nanoseconds> process_begin;  // CLOCK_MONOTONIC
  std::string start_method;                  // or none
  std::string metadata;                      // as it was given
  std::uint32_t streams = 0;                 // the most threads that recorded at once
  std::vector<ThreadDrops> dropped_by;       // by thread id
  std::uint64_t dropped_events = 0;          // of all threads, those beyond `dropped_by` included
  std::optional<std::uint64_t> first_drop;   // ticks; before it nothing is missing
};

// The events of a process, merged. Those of a GIL come in their true order, those of a thread too; times
// never go back.
class ProcessReader;

class EventSequence {
 public:
  // Goes to the next one; false at the end. Throws Error. In between the waits for locks come that were over
  // by then, in the order of their ends.
  bool next(Event& event);
  void take_lock_waits(std::function<void(const CapturedWait&)> take) { take_lock_wait_ = std::move(take); }
  // Where its thread stood at the event that next() gave; empty where that was not noted.
  [[nodiscard]] std::optional<StackId> stands() const noexcept { return stands_; }
  // As far as events were read: after the last one, all of it.
  [[nodiscard]] const CaptureNames& names() const noexcept { return *names_; }
  // Likewise; no event is read after it.
  [[nodiscard]] CaptureNames take_names() noexcept { return std::move(*names_); }

 private:
  friend class ProcessReader;
  explicit EventSequence(const ProcessReader& reader);

  struct Head {
    EventKey key;
    std::uint32_t stream = 0;
    friend auto operator<=>(const Head&, const Head&) = default;
  };
  void settle() noexcept;
  void advance();
  bool next_of_file(Event& event);
  void take_up();

  const BlockFile* file_;
  std::unique_ptr<CaptureNames> names_;
  std::vector<std::unique_ptr<StreamReader>> streams_;
  std::vector<Head> heap_;  // of the streams that have an event; the earliest first
  std::optional<std::uint64_t> expected_;
  std::uint64_t count_ = 0;
  std::optional<StackId> stands_;
  std::function<void(const CapturedWait&)> take_lock_wait_;
  struct Taken {
    Event event;
    std::optional<StackId> stands;
  };
  std::uint64_t begin_ = 0;  // ticks: of a ring, whose beginning is lost
  std::uint64_t end_ = 0;    // likewise: of a copy, which has some of what came later
  bool is_to_take_up_ = false;
  std::vector<Taken> taken_up_;  // what was on as it begins, then its first event. The next one is the last
};

class ProcessReader {
 public:
  // Throws Error.
  explicit ProcessReader(std::filesystem::path path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return file_.path(); }
  [[nodiscard]] const ProcessFacts& facts() const noexcept { return facts_; }
  // From the first event, as often as you like; this must outlive it. Throws Error.
  [[nodiscard]] EventSequence events() const;

 private:
  friend class EventSequence;
  void check_header(const FileHeader& header) const;
  void take_facts(const FileHeader& header);
  void find_streams(std::uint32_t first);
  void find_parts(std::uint64_t lost_until);
  void take_point(std::uint32_t home, const BlockHeader& header);

  BlockFile file_;
  ProcessFacts facts_;
  std::vector<std::uint32_t> homes_;
  std::vector<RingParts> parts_;  // of these; none where it is no ring
};

}  // namespace gilscope
