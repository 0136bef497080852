// A recorder that keeps every event in memory made beforehand, and what must be true of every list of events.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "probe/event.h"
#include "probe/recorder.h"

namespace gilscope {

class EventList : public Recorder {
 public:
  explicit EventList(std::size_t capacity = 1U << 20U) : events_(capacity) {}

  // Any thread: a place is taken by one atomic step. Places are in order within a GIL, as its mutex is held;
  // relaxed, as the list is read when the probe has stopped.
  void record(const Event& event) noexcept override {
    const std::size_t place = size_.fetch_add(1, std::memory_order_relaxed);
    if (place < events_.size()) events_[place] = event;
    kinds_[static_cast<std::size_t>(event.kind)].fetch_add(1, std::memory_order_relaxed);
  }

  // One GIL is opened at a time in these tests: by the only thread that runs, or at the start.
  void open(GilId gil, std::int64_t interpreter) noexcept override { owners_[gil] = interpreter; }

  void close(GilId gil, std::uint32_t events) noexcept override { closed_[gil] = events; }

  [[nodiscard]] const std::map<GilId, std::int64_t>& owners() const { return owners_; }
  // After how many events.
  [[nodiscard]] const std::map<GilId, std::uint32_t>& closed() const { return closed_; }

  [[nodiscard]] std::vector<Event> events() const {
    EXPECT_LE(size_.load(), events_.size()) << "the test makes more events than its list takes";
    return {events_.begin(),
            events_.begin() + static_cast<std::ptrdiff_t>(std::min(size_.load(), events_.size()))};
  }
  [[nodiscard]] std::size_t size() const { return size_.load(); }

  // While the probe runs, too: relaxed, as nothing but the number is looked at.
  [[nodiscard]] std::size_t count(EventKind kind) const {
    return kinds_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
  }

 private:
  std::map<GilId, std::int64_t> owners_;
  std::map<GilId, std::uint32_t> closed_;
  std::vector<Event> events_;
  std::atomic<std::size_t> size_{0};
  std::array<std::atomic<std::size_t>, 4> kinds_{};
};

// Per GIL: acquire and release alternate, by the same thread; no two events have one time, and none is
// missing; a thread that requests does not hold; a timeout is a requesting thread's, while somebody else
// holds.
inline void expect_true_list(const std::vector<Event>& events) {
  struct State {
    std::uint64_t last_ticks = 0;
    std::uint32_t sequence = 0;
    ThreadId holder{0};
    std::map<ThreadId, bool> waiting;
  };
  std::map<GilId, State> gils;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    State& gil = gils[event.gil];
    ASSERT_GT(event.ticks, gil.last_ticks) << i;
    gil.last_ticks = event.ticks;
    ASSERT_EQ(event.sequence, gil.sequence++) << i;
    ASSERT_NE(event.thread, ThreadId{0}) << i;
    switch (event.kind) {
      case EventKind::Request:
        ASSERT_NE(gil.holder, event.thread) << i;
        ASSERT_FALSE(gil.waiting[event.thread]) << i;
        gil.waiting[event.thread] = true;
        break;
      case EventKind::Timeout:
        ASSERT_TRUE(gil.waiting[event.thread]) << i;
        ASSERT_NE(gil.holder, ThreadId{0}) << i;
        ASSERT_NE(gil.holder, event.thread) << i;
        break;
      case EventKind::Acquire:
        ASSERT_EQ(gil.holder, ThreadId{0}) << i;
        gil.holder = event.thread;
        gil.waiting[event.thread] = false;
        break;
      case EventKind::Release:
        ASSERT_EQ(gil.holder, event.thread) << i;
        gil.holder = ThreadId{0};
        break;
    }
  }
}

}  // namespace gilscope
