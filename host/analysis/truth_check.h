// The truth check of DESIGN.md over a list of events: what no real GIL can have done.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "analysis/gil_machine.h"

namespace gilscope {

enum class Condition : std::uint8_t {
  HoldsNeverOverlap,
  ReleasesMatch,      // each acquire has its release, by the same thread; the last one may be cut off
  EventsInOrder,      // of each thread and of each GIL, within the recording
  WaitsOutsideHolds,  // of the thread that waits; and while another thread holds
  HoldsWithinWall,    // the holds of a GIL sum to the wall time at most
};

// What is wrong with one event, or with the whole: the machine's violations, in its order, and what it cannot
// see.
enum class Fault : std::uint8_t {
  AcquireWhileHeld,
  AcquireTwice,
  ReleaseWithoutHold,
  ReleaseByOther,
  RequestWhileHolding,
  RequestTwice,
  RequestWhileFree,
  TimeoutOutsideWait,
  GilTimeWentBack,
  ThreadTimeWentBack,  // over all the GILs that it used
  OutsideRecording,    // before its begin or after its end
  HoldsExceedWall,
};
inline constexpr std::size_t kFaults = 12;

[[nodiscard]] Condition condition_of(Fault fault) noexcept;
[[nodiscard]] std::string_view describe(Fault fault) noexcept;  // "a thread acquired a GIL that another held"

struct TruthFinding {
  Fault fault{};
  std::uint64_t count = 0;     // events, or GILs for HoldsExceedWall
  std::uint64_t position = 0;  // of the first such event, counted from 0; its last event for HoldsExceedWall
  Event first{};               // that event
};

struct TruthReport {
  std::uint64_t events = 0;
  std::uint64_t unchecked_events = 0;  // of GILs beyond the machine's bound
  std::vector<TruthFinding> findings;  // by fault; empty: everything is as it must be

  [[nodiscard]] bool holds() const noexcept { return findings.empty() && unchecked_events == 0; }
};

struct ProcessTruth {
  std::int64_t pid = 0;
  TruthReport report;
  std::uint64_t events_after_drop = 0;  // not checked: an event that was dropped makes others look wrong
};

// Takes events one by one, in the list's order; memory grows with threads and GILs only.
class TruthCheck {
 public:
  // What was recorded lies between these.
  TruthCheck(std::uint64_t begin, std::uint64_t end, Bounds bounds = {});

  // As GilMachine::begin.
  void begin(GilId gil, std::optional<ThreadId> holder, std::uint64_t ticks);
  void add(const Event& event);
  [[nodiscard]] TruthReport report() const;

 private:
  // Computed apart from the machine, from raw ticks: nothing is clamped.
  struct Gil {
    bool is_held = false;
    std::uint64_t acquired = 0;
    std::uint64_t held = 0;
    std::uint64_t position = 0;
    Event last{};
  };
  void note(Fault fault, const Event& event);

  std::uint64_t begin_;
  std::uint64_t end_;
  std::uint64_t position_ = 0;
  GilMachine machine_;
  std::array<TruthFinding, kFaults> findings_{};
  std::unordered_map<ThreadId, std::uint64_t> last_of_threads_;
  std::unordered_map<GilId, Gil> gils_;
};

// Of a list whose recording is as long as it is.
[[nodiscard]] TruthReport check_truth(std::span<const Event> events);

}  // namespace gilscope
