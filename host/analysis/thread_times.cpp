#include "analysis/thread_times.h"

#include <algorithm>
#include <map>

#include "support/sort_stably.h"

namespace gilscope {
namespace {

// What the rows of a thread say, one for each of its GILs; ticks.
struct RowSums {
  std::uint64_t folded = 0;
  std::uint64_t held = 0;
  std::uint64_t waited = 0;
  std::uint64_t first = ~std::uint64_t{0};
  std::uint64_t last = 0;
  std::uint64_t lifetime = 0;  // of the row with the longest
};

std::map<ThreadId, RowSums> sum_rows(const MachineSnapshot& figures) {
  std::map<ThreadId, RowSums> sums;
  for (const auto& row : figures.threads) {
    if (!row.thread) continue;
    RowSums& sum = sums[*row.thread];
    sum.folded = std::max(sum.folded, row.folded);
    sum.held += row.hold_ticks;
    sum.waited += row.wait_ticks;
    sum.first = std::min(sum.first, row.first);
    sum.last = std::max(sum.last, row.last);
    sum.lifetime = std::max(sum.lifetime, row.lifetime);
  }
  return sums;
}

// From its first event on any GIL.
std::uint64_t life_of(const RowSums& rows, bool has_outlived, std::uint64_t end) {
  if (rows.folded != 0) return rows.lifetime;
  return std::max(has_outlived ? end : 0, rows.last) - rows.first;
}

// Of what is left of its life: so much was in the queue for a CPU.
void divide_rest(ThreadTimes& times, Nanoseconds rest, const ThreadRecord& thread) {
  times.asleep = rest;
  if (!thread.cpu_wait) return;
  times.no_cpu = std::min(rest, *thread.cpu_wait);
  times.asleep -= *times.no_cpu;
}

// What is left of its life beside the waits: `held` with a GIL, and `rest`. CPU time is taken to be of the
// former for as long as that was, and then of the latter; so is the time in the queue.
void divide(ThreadTimes& times, Nanoseconds held, Nanoseconds rest, const ThreadRecord& thread) {
  times.python = held;
  times.asleep = rest;
  if (!thread.cpu) return;
  times.python = std::min(held, *thread.cpu);
  times.native = std::min(rest, *thread.cpu - times.python);
  divide_rest(times, held + rest - times.python - *times.native, thread);
}

// Its waits for Python's locks, and for the world to go on. Returns their sum.
Nanoseconds take_waits(ThreadTimes& times, const ThreadRecord& thread, TickLength tick) {
  Nanoseconds sum{};
  const auto take = [&](std::optional<Nanoseconds>& part, const std::optional<std::uint64_t>& ticks) {
    if (!ticks) return;
    part = tick.of(*ticks);
    sum = add(sum, *part);
  };
  take(times.for_turn, thread.turn_ticks);
  take(times.for_work, thread.work_ticks);
  take(times.stopped, thread.world_ticks);
  return sum;
}

ThreadTimes times_of(const ThreadRecord& thread, const RowSums& rows, const ProcessRecord& record) {
  ThreadTimes times{.thread = thread.id,
                    .name = thread.name,
                    .folded = rows.folded,
                    .for_gil = record.tick.of(rows.waited)};
  times.stopped = Nanoseconds{};  // nobody stops a world that has a GIL
  const auto held = record.tick.of(rows.held);
  const auto known = add(held, add(times.for_gil, take_waits(times, thread, record.tick)));
  times.life = std::max(record.tick.of(life_of(rows, thread.has_outlived, record.figures.end)), known);
  divide(times, held, times.life - known, thread);
  return times;
}

}  // namespace

void rank(std::vector<ThreadTimes>& threads) {
  sort_stably(threads, [](const ThreadTimes& left, const ThreadTimes& right) {
    const auto idle = [](const ThreadTimes& times) {
      return times.asleep + times.for_work.value_or(Nanoseconds{});
    };
    return left.life - idle(left) > right.life - idle(right);
  });
}

std::vector<ThreadTimes> find_thread_times(const ProcessRecord& record) {
  std::map<ThreadId, const ThreadRecord*> known;
  for (const auto& thread : record.threads) known[thread.id] = &thread;
  std::vector<ThreadTimes> list;
  for (const auto& [id, rows] : sum_rows(record.figures)) {
    const auto found = known.find(id);
    list.push_back(times_of(found == known.end() ? ThreadRecord{.id = id} : *found->second, rows, record));
  }
  rank(list);
  return list;
}

std::vector<ThreadTimes> find_thread_times_without_gil(const ProcessRecord& record) {
  std::vector<ThreadTimes> list;
  for (const auto& thread : record.threads) {
    if (!thread.life_ticks || !thread.cpu) continue;
    ThreadTimes& times = list.emplace_back(ThreadTimes{.thread = thread.id, .name = thread.name});
    const auto known = take_waits(times, thread, record.tick);
    times.life = std::max(record.tick.of(*thread.life_ticks), known);
    times.python = std::min(times.life - known, *thread.cpu);
    divide_rest(times, times.life - known - times.python, thread);
  }
  rank(list);
  return list;
}

}  // namespace gilscope
