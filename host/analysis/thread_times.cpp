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

// What is left of its life beside the waits: `held` with a GIL, and `rest`. CPU time is taken to be of the
// former for as long as that was, and then of the latter; so is the time in the queue.
void divide(ThreadTimes& times, Nanoseconds held, Nanoseconds rest, const ThreadRecord& thread) {
  times.python = held;
  times.asleep = rest;
  if (!thread.cpu) return;
  times.python = std::min(held, *thread.cpu);
  times.native = std::min(rest, *thread.cpu - times.python);
  times.asleep = held + rest - times.python - *times.native;
  if (!thread.cpu_wait) return;
  times.no_cpu = std::min(times.asleep, *thread.cpu_wait);
  times.asleep -= *times.no_cpu;
}

ThreadTimes times_of(const ThreadRecord& thread, const RowSums& rows, const ProcessRecord& record) {
  ThreadTimes times{.thread = thread.id,
                    .name = thread.name,
                    .folded = rows.folded,
                    .for_gil = record.tick.of(rows.waited)};
  if (thread.turn_ticks) times.for_turn = record.tick.of(*thread.turn_ticks);
  if (thread.work_ticks) times.for_work = record.tick.of(*thread.work_ticks);
  const auto held = record.tick.of(rows.held);
  const auto for_locks = add(times.for_turn.value_or(Nanoseconds{}), times.for_work.value_or(Nanoseconds{}));
  const auto known = add(held, add(times.for_gil, for_locks));
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

}  // namespace gilscope
