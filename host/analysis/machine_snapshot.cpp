#include "analysis/machine_snapshot.h"

#include <algorithm>
#include <span>
#include <tuple>

#include "analysis/row_table.h"
#include "analysis/settled_read.h"

namespace gilscope {
namespace {

// A copy of what one RowUpdate changes.
struct SettledFigures {
  std::uint64_t holds = 0;
  std::uint64_t hold_ticks = 0;
  std::uint64_t waits = 0;
  std::uint64_t wait_ticks = 0;
  std::uint64_t forced = 0;
  std::uint64_t cut = 0;
  std::uint64_t last = 0;
  std::uint64_t held = 0;
  std::array<std::uint64_t, kStrangers> waiting{};  // of one thread, or of all that share the row
  std::size_t waiting_count = 0;
};

void read_waiting(SettledFigures& figures, const ThreadRow& row, const GilState* sharing) {
  const auto note = [&](std::uint64_t waiting) {
    if (waiting != 0) figures.waiting[figures.waiting_count++] = waiting;
  };
  if (sharing == nullptr) {
    note(row.waiting.read());
  } else {
    for (const auto& stranger : sharing->strangers) note(stranger.waiting.read());
  }
}

// False where the row never settled.
bool read_figures(SettledFigures& figures, const ThreadRow& row, const GilState* sharing) {
  return read_settled(row.version, [&] {
    figures.holds = row.hold.count();
    figures.hold_ticks = row.hold.sum();
    figures.waits = row.wait.count();
    figures.wait_ticks = row.wait.sum();
    figures.forced = row.forced.read();
    figures.cut = row.cut.read();
    figures.last = row.last.read();
    figures.held = row.held.read();
    figures.waiting_count = 0;
    read_waiting(figures, row, sharing);
  });
}

std::uint64_t length_until(std::uint64_t now, std::uint64_t begin_plus_one) {
  return now >= begin_plus_one ? now + 1 - begin_plus_one : 0;  // it may have begun after `now`
}

ThreadSnapshot read_row(const ThreadRow& row, const GilState* sharing, std::uint64_t now,
                        std::uint64_t& unsettled) {
  SettledFigures figures;
  if (!read_figures(figures, row, sharing)) ++unsettled;
  const auto key = row.key.read();
  ThreadSnapshot snapshot{.gil = gil_of(key),
                          .holds = figures.holds,
                          .hold_ticks = figures.hold_ticks,
                          .waits = figures.waits,
                          .wait_ticks = figures.wait_ticks,
                          .forced = figures.forced,
                          .voluntary = figures.holds - figures.forced - figures.cut,
                          .cut = figures.cut,
                          .first = row.first.read()};
  if (sharing == nullptr) snapshot.thread = thread_of(key);
  snapshot.last = std::max(snapshot.first, figures.last);

  std::array<std::uint64_t, kStrangers> waits{};
  for (std::size_t i = 0; i < figures.waiting_count; ++i) {
    waits[i] = length_until(now, figures.waiting[i]);
    ++snapshot.waits;
    snapshot.wait_ticks += waits[i];
    snapshot.open = OpenInterval::Wait;
  }
  std::array<std::uint64_t, 1> holds{};
  const std::size_t open_holds = figures.held != 0 ? 1 : 0;
  if (open_holds != 0) {
    holds[0] = length_until(now, figures.held);
    ++snapshot.holds;
    snapshot.hold_ticks += holds[0];
    snapshot.open = OpenInterval::Hold;
  }
  if (snapshot.open != OpenInterval::None) snapshot.last = std::max(snapshot.last, now);
  snapshot.hold = row.hold.percentiles(std::span(holds).first(open_holds));
  snapshot.wait = row.wait.percentiles(std::span(waits).first(figures.waiting_count));
  return snapshot;
}

GilSnapshot read_gil(const GilState& gil, GilId id) {
  GilSnapshot snapshot{.gil = id,
                       .first = gil.first.read(),
                       .last = gil.last.read(),
                       .handoffs = gil.handoffs.read(),
                       .timeouts = gil.timeouts.read(),
                       .uncounted_waits = gil.uncounted_waits.read()};
  if (const auto owner = gil.owner_plus_one.read(); owner != 0) {
    snapshot.interpreter = static_cast<std::int64_t>(owner - 1);
  }
  std::ranges::transform(gil.violations, snapshot.violations.begin(), &Cell::read);
  return snapshot;
}

std::optional<ThreadId> known_thread(const RowTable& table, const ThreadRow& row) {
  if (table.is_shared(row)) return std::nullopt;
  return thread_of(row.key.read());
}

std::vector<HandoffSnapshot> read_handoffs(const RowTable& table) {
  std::vector<HandoffSnapshot> handoffs;
  for (const auto& place : table.handoffs()) {
    const auto rows = place.rows.read();
    const auto count = place.count.read();
    if (rows == 0 || count == 0) continue;
    const ThreadRow& from = table.row_of(rows >> 32U);
    const ThreadRow& to = table.row_of(rows & 0xFFFF'FFFFU);
    handoffs.push_back({.gil = gil_of(to.key.read()),
                        .from = known_thread(table, from),
                        .to = known_thread(table, to),
                        .count = count});
  }
  std::ranges::sort(handoffs, {}, [](const auto& pair) { return std::tuple(pair.gil, pair.from, pair.to); });
  return handoffs;
}

}  // namespace

MachineSnapshot read_machine(const RowTable& table, std::uint64_t now) {
  MachineSnapshot snapshot{.lost_events = table.lost()};
  // GILs before rows: a hand-off that is counted has its holds counted.
  for (std::uint32_t id = 0; id < table.gils_end(); ++id) {
    const GilState& gil = table.gil(id);
    if (gil.seen.read() != 0) snapshot.gils.push_back(read_gil(gil, static_cast<GilId>(id)));
  }
  for (const ThreadRow& row : table.rows()) {
    if (row.key.read() != 0) snapshot.threads.push_back(read_row(row, nullptr, now, snapshot.unsettled_rows));
  }
  for (const auto& gil : snapshot.gils) {
    const auto id = static_cast<std::uint32_t>(gil.gil);
    const ThreadRow& shared = table.shared_row(id);
    if (shared.key.read() == 0) continue;
    snapshot.threads.push_back(read_row(shared, &table.gil(id), now, snapshot.unsettled_rows));
  }
  snapshot.handoffs = read_handoffs(table);
  return snapshot;
}

}  // namespace gilscope
