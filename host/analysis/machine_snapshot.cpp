#include "analysis/machine_snapshot.h"

#include <algorithm>
#include <span>
#include <tuple>

#include "analysis/row_table.h"

namespace gilscope {
namespace {

std::uint64_t length_until(std::uint64_t now, std::uint64_t begin_plus_one) {
  return now >= begin_plus_one ? now + 1 - begin_plus_one : 0;  // it may have begun after `now`
}

ThreadSnapshot read_row(const ThreadRow& row, const GilState* sharing, const QuietFigures& quiet,
                        std::uint64_t now) {
  const auto key = row.key.read();
  const auto forced = row.forced.read();
  const auto cut = row.cut.read();
  ThreadSnapshot snapshot{.gil = gil_of(key),
                          .holds = row.hold.count() + quiet.holds,
                          .hold_ticks = row.hold.sum() + quiet.hold_ticks,
                          .waits = row.wait.count(),
                          .wait_ticks = row.wait.sum(),
                          .forced = forced,
                          .voluntary = row.hold.count() + quiet.holds - forced - cut,
                          .cut = cut,
                          .first = row.first.read(),
                          .lifetime = row.lifetime.read()};
  snapshot.folded = row.folded.read();
  if (sharing == nullptr) snapshot.thread = thread_of(key);
  snapshot.last = std::max({snapshot.first, row.last.read(), quiet.released});

  std::array<std::uint64_t, kStrangers> waits{};  // that have not ended
  std::size_t open_waits = 0;
  const auto note = [&](std::uint64_t waiting) {
    if (waiting == 0) return;
    waits.at(open_waits) = length_until(now, waiting);
    ++snapshot.waits;
    snapshot.wait_ticks += waits.at(open_waits++);
    snapshot.open = OpenInterval::Wait;
  };
  if (sharing == nullptr) {
    note(row.waiting.read());
  } else {
    for (const auto& stranger : sharing->strangers) note(stranger.waiting.read());
  }
  std::array<std::uint64_t, 1> holds{};
  const auto held = quiet.hold != nullptr ? quiet.held : row.held.read();
  const std::size_t open_holds = held != 0 ? 1 : 0;
  if (open_holds != 0) {
    holds[0] = length_until(now, held);
    ++snapshot.holds;
    snapshot.hold_ticks += holds[0];
    snapshot.open = OpenInterval::Hold;
  }
  if (snapshot.open != OpenInterval::None) snapshot.last = std::max(snapshot.last, now);
  if (snapshot.lifetime == 0) snapshot.lifetime = snapshot.last - snapshot.first;
  const auto open = std::span(holds).first(open_holds);
  snapshot.hold = row.hold.percentiles(open, quiet.holds == 0 ? nullptr : quiet.hold);
  snapshot.wait = row.wait.percentiles(std::span(waits).first(open_waits));
  return snapshot;
}

GilSnapshot read_gil(const GilState& gil, GilId id) {
  GilSnapshot snapshot{.gil = id,
                       .first = gil.first.read(),
                       .last = gil.last.read(),
                       .handoffs = gil.handoffs.read(),
                       .timeouts = gil.timeouts.read(),
                       .folded = gil.folded.read(),
                       .uncounted_waits = gil.uncounted_waits.read()};
  if (const auto owner = gil.owner_plus_one.read(); owner != 0) {
    snapshot.interpreter = static_cast<std::int64_t>(owner - 1);
  }
  std::ranges::transform(gil.violations, snapshot.violations.begin(), &Cell::read);
  return snapshot;
}

// A shared row's key has none.
std::optional<ThreadId> known_thread(std::uint64_t key) {
  const ThreadId thread = thread_of(key);
  return thread == ThreadId{} ? std::nullopt : std::optional(thread);
}

std::vector<HandoffSnapshot> read_handoffs(const RowTable& table) {
  std::vector<HandoffSnapshot> handoffs;
  for (const auto& place : table.handoffs()) {
    const auto from = place.from.read();
    const auto to = place.to.read();
    const auto count = place.count.read();
    if (from == 0 || count == 0) continue;
    handoffs.push_back(
        {.gil = table.id_of(gil_of(to)), .from = known_thread(from), .to = known_thread(to), .count = count});
  }
  std::ranges::sort(handoffs, {}, [](const auto& pair) { return std::tuple(pair.gil, pair.from, pair.to); });
  return handoffs;
}

}  // namespace

MachineSnapshot read_machine(const RowTable& table, std::uint64_t now, std::span<const QuietFigures> quiet) {
  MachineSnapshot snapshot{.end = now, .lost_events = table.lost()};
  // GILs before rows: a hand-off that is counted has its holds counted.
  for (std::uint32_t id = 0; id < table.gils_end(); ++id) {
    const GilState& gil = table.gil(id);
    if (gil.seen.read() != 0) snapshot.gils.push_back(read_gil(gil, static_cast<GilId>(id)));
  }
  for (const ThreadRow& row : table.rows()) {
    if (row.key.read() == 0) continue;
    const auto index = table.index_of(row);
    const QuietFigures beside = index < quiet.size() ? quiet[index] : QuietFigures{};
    snapshot.threads.push_back(read_row(row, nullptr, beside, now));
    const auto gil =
        std::ranges::lower_bound(snapshot.gils, snapshot.threads.back().gil, {}, &GilSnapshot::gil);
    if (gil == snapshot.gils.end()) continue;
    if (gil->folded != 0) gil->last = std::max(gil->last, snapshot.threads.back().last);
    if (beside.hold == nullptr) continue;
    gil->last = std::max({gil->last, beside.released, beside.held == 0 ? 0 : beside.held - 1});
  }
  for (const auto& gil : snapshot.gils) {
    const auto id = static_cast<std::uint32_t>(gil.gil);
    const ThreadRow& shared = table.shared_row(id);
    if (shared.key.read() == 0) continue;
    snapshot.threads.push_back(read_row(shared, &table.gil(id), {}, now));
  }
  snapshot.handoffs = read_handoffs(table);
  for (auto& gil : snapshot.gils) gil.gil = table.id_of(gil.gil);
  for (auto& thread : snapshot.threads) thread.gil = table.id_of(thread.gil);
  std::ranges::sort(snapshot.gils, {}, &GilSnapshot::gil);
  return snapshot;
}

}  // namespace gilscope
