// Lists of events for tests: short to write by hand, and random legal ones made by a small simulation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "probe/event.h"

namespace gilscope::test {

inline constexpr GilId kGil{0};

inline Event request(std::uint64_t ticks, unsigned thread, unsigned gil = 0) {
  return {.ticks = ticks, .gil = GilId{gil}, .thread = ThreadId{thread}, .kind = EventKind::Request};
}
inline Event timeout(std::uint64_t ticks, unsigned thread, unsigned gil = 0) {
  return {.ticks = ticks, .gil = GilId{gil}, .thread = ThreadId{thread}, .kind = EventKind::Timeout};
}
inline Event acquire(std::uint64_t ticks, unsigned thread, unsigned gil = 0) {
  return {.ticks = ticks, .gil = GilId{gil}, .thread = ThreadId{thread}, .kind = EventKind::Acquire};
}
inline Event release(std::uint64_t ticks, unsigned thread, unsigned gil = 0) {
  return {.ticks = ticks, .gil = GilId{gil}, .thread = ThreadId{thread}, .kind = EventKind::Release};
}

struct Crowd {
  unsigned threads = 6;
  unsigned gils = 3;
  std::size_t events = 2000;
  unsigned gil_ends = 0;  // likewise, that a GIL ends which nobody holds or awaits
  unsigned ends = 0;  // one of so many times that a thread has nothing to do it ends, and another one comes
};

// Threads that take, await and give up GILs at random, one GIL at a time each; all GILs are free at first,
// and the list ends anywhere. Time stands still now and then, and passes by steps of every magnitude.
inline std::vector<Event> simulate(std::uint64_t seed, const Crowd& crowd = {}) {
  enum class Doing { Nothing, Waiting, Holding };
  struct Thread {
    Doing doing = Doing::Nothing;
    unsigned gil = 0;
    unsigned id = 0;
  };
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  std::vector<Thread> threads(crowd.threads);
  unsigned next_id = 100;
  for (Thread& thread : threads) thread.id = next_id++;
  std::vector<bool> is_held(crowd.gils);
  std::vector<unsigned> gil_ids;
  for (unsigned gil = 0; gil < crowd.gils; ++gil) gil_ids.push_back(gil);
  unsigned next_gil = crowd.gils;
  std::vector<Event> events;
  std::uint64_t now = 1'000'000 + below(1'000'000);
  while (events.size() < crowd.events) {
    const auto index = static_cast<unsigned>(below(crowd.threads));
    Thread& thread = threads[index];
    const auto emit = [&](EventKind kind) {
      now += below(4) == 0 ? 0 : below(std::uint64_t{1} << below(24));
      events.push_back(
          {.ticks = now, .gil = GilId{gil_ids[thread.gil]}, .thread = ThreadId{thread.id}, .kind = kind});
    };
    if (thread.doing == Doing::Holding) {
      emit(EventKind::Release);
      thread.doing = Doing::Nothing;
      is_held[thread.gil] = false;
      continue;
    }
    if (thread.doing == Doing::Nothing && crowd.ends != 0 && below(crowd.ends) == 0) thread.id = next_id++;
    if (thread.doing == Doing::Nothing) thread.gil = static_cast<unsigned>(below(crowd.gils));
    if (crowd.gil_ends != 0 && below(crowd.gil_ends) == 0) {
      const auto gil = static_cast<unsigned>(below(crowd.gils));
      const bool is_wanted = std::ranges::any_of(
          threads, [&](const Thread& any) { return any.doing != Doing::Nothing && any.gil == gil; });
      if (!is_wanted) gil_ids[gil] = next_gil++;
    }
    if (!is_held[thread.gil]) {
      emit(EventKind::Acquire);
      thread.doing = Doing::Holding;
      is_held[thread.gil] = true;
    } else if (thread.doing == Doing::Nothing) {
      emit(EventKind::Request);
      thread.doing = Doing::Waiting;
    } else if (below(3) == 0) {
      emit(EventKind::Timeout);
    }
  }
  return events;
}

}  // namespace gilscope::test
