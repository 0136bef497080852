// The difference of two looks at what a process notes beside its events: what came in between.
#pragma once

#include <tuple>

#include "analysis/row_difference.h"
#include "capture/run_notes.h"

namespace gilscope {

inline void subtract_times(ThreadRecord& thread, const ThreadRecord& before) {
  subtract(thread.cpu, before.cpu);
  subtract(thread.cpu_wait, before.cpu_wait);
  subtract(thread.turn_ticks, before.turn_ticks);
  subtract(thread.work_ticks, before.work_ticks);
  subtract(thread.world_ticks, before.world_ticks);
  subtract(thread.life_ticks, before.life_ticks);
}

// Of rows that have a longest one: where it was not in between, the mean stands for it.
template <typename Row>
void subtract_longest(Row& row, const Row& before) {
  subtract(row.count, before.count);
  subtract(row.ticks, before.ticks);
  if (row.longest > before.longest) return;
  row.longest = row.count == 0 ? 0 : row.ticks / row.count;
  row.longest_begin = 0;
}

template <typename Row>
void drop_empty(std::vector<Row>& rows) {
  std::erase_if(rows, [](const Row& row) { return row.count == 0; });
}

// Of what a process notes, as ProcessNotes or as ProcessRecord.
template <typename Record>
void subtract_noted(Record& record, const Record& before, const ThreadSuccessors& successors) {
  subtract(record.cpu, before.cpu);
  subtract_rows(
      record.threads, before.threads, [](const auto& thread) { return thread.id; },
      [&](const auto& thread) { return successors.of(thread.id); }, subtract_times);
  subtract(record.hooks.timed, before.hooks.timed);
  subtract(record.hooks.acquires, before.hooks.acquires);
  subtract(record.hooks.ticks, before.hooks.ticks);
  subtract(record.hooks.work_ticks, before.hooks.work_ticks);
  subtract_rows(
      record.steps, before.steps, [](const auto& row) { return std::tuple(row.thread, row.place); },
      [](auto& row, const auto& older) {
        subtract_longest(row, older);
        subtract(row.alone, older.alone);
      });
  subtract_rows(
      record.lock_waits, before.lock_waits,
      [](const auto& row) {
        return std::tuple(row.place, row.within, row.is_for_work, row.ended_at, row.ended_within, row.lock,
                          row.lock_type);
      },
      [](auto& row, const auto& older) {
        subtract_longest(row, older);
        subtract(row.by_peers, older.by_peers);
        row.threads = std::min(row.threads, row.count);
      });
  subtract_rows(
      record.stops, before.stops,
      [](const auto& row) { return std::tuple(row.place, row.call, row.is_collection); },
      [](auto& row, const auto& older) {
        subtract_longest(row, older);
        subtract(row.until_stood, older.until_stood);
        subtract(row.lost, older.lost);
      });
  drop_empty(record.steps);
  drop_empty(record.lock_waits);
  drop_empty(record.stops);
  subtract(record.further_steps, before.further_steps);
  subtract(record.further_lock_waits, before.further_lock_waits);
  subtract(record.further_stops, before.further_stops);
  subtract(record.spins, before.spins);
  subtract(record.spin_ticks, before.spin_ticks);
}

}  // namespace gilscope
