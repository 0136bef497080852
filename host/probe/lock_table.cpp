#include "probe/lock_table.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "probe/shared_word.h"
#include "support/utf8.h"

namespace gilscope {
namespace {

// FNV-1a; never 0.
std::uint64_t key_of(const LockPlace& place) noexcept {
  std::uint64_t key = 0xcbf29ce484222325U;
  const auto add = [&](const auto& bytes) {
    for (const char byte : bytes) key = (key ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  };
  add(place.file);
  add(place.function);
  add(place.within);
  add(place.lock_type);
  key = (key ^ place.lock_kind) * 0x100000001b3U;
  key = (key ^ place.line) * 0x100000001b3U;
  return (key ^ place.work) * 0x100000001b3U | 1U;
}

bool is_same(const LockPlace& left, const LockPlace& right) noexcept {
  return left.key == right.key && left.line == right.line && left.work == right.work &&
         left.file == right.file && left.function == right.function && left.within == right.within &&
         left.lock_kind == right.lock_kind && left.lock_type == right.lock_type;
}

// Its number; the size of `places` where there is no room.
std::size_t find_or_add_place(std::array<LockPlace, LockTable::kPlaces>& places,
                              const LockPlace& place) noexcept {
  auto* const known = std::ranges::find_if(
      places, [&](const LockPlace& other) { return other.key == 0 || is_same(other, place); });
  if (known == places.end()) return places.size();
  if (known->key == 0) {
    LockPlace made = place;
    made.key = 0;
    *known = made;
    set_shared(known->key, place.key);
  }
  return static_cast<std::size_t>(known - places.begin());
}

}  // namespace

std::optional<LockKind> lock_kind_of(std::string_view name) noexcept {
  const auto* const known = std::ranges::find(kLockKinds, name);
  if (known == kLockKinds.end()) return std::nullopt;
  return static_cast<LockKind>(known - kLockKinds.begin());
}

std::size_t LockTable::find_or_add(const LockWords& words) noexcept {
  LockPlace place{};
  place.line = words.line;
  place.work = words.wait_for == WaitFor::Work ? LockPlace::kWaitsForWork
               : words.gives_work              ? LockPlace::kGivesWork
               : words.gives_turn              ? LockPlace::kGivesTurn
                                               : 0;
  put_last_bytes(words.file, place.file);
  put_first_bytes(words.function, place.function);
  put_first_bytes(words.within, place.within);
  place.lock_kind = static_cast<std::uint64_t>(words.lock_kind);
  put_first_bytes(words.lock_type, place.lock_type);
  place.key = key_of(place);
  return find_or_add_place(places, place);
}

LockRow* LockTable::row_of(std::size_t place, std::size_t ended_at) noexcept {
  const std::uint64_t end = ended_at < kPlaces ? ended_at + 1 : 0;
  auto* const row = std::ranges::find_if(rows, [&](const LockRow& other) {
    return other.count == 0 || (other.place == place && other.ended_at_plus_one == end);
  });
  if (place >= kPlaces || row == rows.end()) return nullptr;
  row->place = place;
  row->ended_at_plus_one = end;
  return row;
}

void LockTable::note_gil(std::uint64_t since, std::size_t place, std::string_view module) noexcept {
  if (gil_since != 0) return;
  gil_place_plus_one = place < kPlaces ? place + 1 : 0;
  put_first_bytes(module, gil_module);
  set_shared(gil_since, since);
}

// From where its number leads; places that are free again may be in between.
const LockThread* LockTable::find(std::uint32_t thread) const noexcept {
  for (std::size_t i = 0; i < kThreads; ++i) {
    const LockThread& known = threads[(thread + i) % kThreads];
    if (std::atomic_ref(const_cast<std::uint64_t&>(known.thread)).load(std::memory_order_acquire) == thread)
      return &known;
  }
  return nullptr;
}

LockThread* LockTable::thread_of(std::uint32_t thread) noexcept {
  if (const LockThread* const known = find(thread)) return const_cast<LockThread*>(known);
  for (std::size_t i = 0; i < kThreads; ++i) {
    LockThread& made = threads[(thread + i) % kThreads];
    if (made.thread != 0) continue;
    made = {};
    set_shared(made.thread, thread);
    return &made;
  }
  return nullptr;
}

void LockTable::begin(std::uint32_t thread, const OpenWait& wait) noexcept {
  LockThread* const waits = thread_of(thread);
  if (waits == nullptr) return;
  set_shared(waits->looked, 0);
  set_shared(waits->lock, wait.lock);
  set_shared(waits->place, wait.place);
  set_shared(waits->identity, wait.identity);
  set_shared(waits->since, wait.since);
}

void LockTable::look(std::uint32_t thread, std::uint64_t ticks, const HeldLocks& found) noexcept {
  auto* const waits = const_cast<LockThread*>(find(thread));
  if (waits == nullptr || waits->since == 0) return;
  set_shared(waits->owner, found.owner);
  for (std::size_t i = 0; i < found.locks.size(); ++i) set_shared(waits->held.at(i), found.locks.at(i));
  set_shared(waits->looked, ticks);
}

void LockTable::forget(std::uint32_t thread) noexcept {
  if (const LockThread* const known = find(thread)) set_shared(const_cast<LockThread*>(known)->thread, 0);
}

WaitFor LockTable::wait_for(const LockWait& wait, std::size_t place, std::size_t ended_at) const noexcept {
  if (wait.is_for_world) return WaitFor::World;
  const auto work_at = [&](std::size_t at) { return at < kPlaces ? places.at(at).work : 0; };
  return is_for_work(work_at(place), work_at(ended_at)) ? WaitFor::Work : WaitFor::Turn;
}

WaitFor LockTable::add(const LockWait& wait, std::size_t place, std::size_t ended_at) noexcept {
  const WaitFor was_for = wait_for(wait, place, ended_at);
  if (LockThread* const waits = thread_of(wait.thread)) {
    set_shared(waits->since, 0);
    if (wait.is_for_world) {
      set_shared(waits->world_ticks, waits->world_ticks + wait.ticks);
    } else if (place < kPlaces) {
      std::uint64_t& sum = was_for == WaitFor::Work ? waits->work_ticks : waits->turn_ticks;
      set_shared(sum, sum + wait.ticks);
    }
  }
  LockRow* const row = row_of(place, ended_at);
  if (row == nullptr) {
    set_shared(others_ticks, others_ticks + wait.ticks);
    set_shared(others, others + 1);
    return was_for;
  }
  constexpr unsigned kBits = 64;
  std::uint64_t& bits = row->threads.at(wait.thread / kBits % row->threads.size());
  set_shared(bits, bits | std::uint64_t{1} << wait.thread % kBits);
  set_shared(row->ticks, row->ticks + wait.ticks);
  const bool had_turn = ended_at < kPlaces && places.at(ended_at).work == LockPlace::kGivesTurn;
  if (wait.is_by_peer || had_turn) set_shared(row->by_peers, row->by_peers + wait.ticks);
  if (wait.ticks >= row->longest) {
    set_shared(row->longest_begin, wait.begin);
    set_shared(row->longest_thread, wait.thread);
    set_shared(row->longest_ender, wait.ender);
    set_shared(row->longest, wait.ticks);
  }
  set_shared(row->count, row->count + 1);
  return was_for;
}

StopRow* LockTable::stop_at(std::size_t place, std::uint64_t why, std::string_view call) noexcept {
  const std::uint64_t at = place < kPlaces ? place + 1 : 0;
  std::array<char, kLockNameBytes> text{};
  put_first_bytes(call, text);
  auto* const row = std::ranges::find_if(stops, [&](const StopRow& other) {
    return other.count == 0 || (other.place_plus_one == at && other.why == why && other.call == text);
  });
  if (row == stops.end()) return nullptr;
  row->place_plus_one = at;
  row->why = why;
  row->call = text;
  return row;
}

void LockTable::add(const WorldStop& stop, std::size_t place) noexcept {
  const PauseStep& step = stop.step;
  StopRow* const row = stop_at(place, stop.why, stop.call);
  if (row == nullptr) {
    set_shared(further_stop_ticks, further_stop_ticks + step.ticks);
    if (step.is_first) set_shared(further_stops, further_stops + 1);
    return;
  }
  set_shared(row->ticks, row->ticks + step.ticks);
  set_shared(row->until_stood, row->until_stood + step.until_stood);
  set_shared(row->lost, row->lost + step.lost);
  if (step.length >= row->longest) {
    set_shared(row->longest_begin, step.begin);
    set_shared(row->longest_thread, std::uint64_t{stop.thread});
    set_shared(row->longest, step.length);
  }
  if (step.is_first) set_shared(row->count, row->count + 1);
}

void LockTable::add(const SpunWaits& spun) noexcept {
  set_shared(spin_ticks, spin_ticks + spun.ticks);
  set_shared(spins, spins + spun.count);
}

void LockTable::add(const LockTable& part) noexcept {
  is_watched |= part.is_watched;
  spins += part.spins;
  spin_ticks += part.spin_ticks;
  further_stops += part.further_stops;
  further_stop_ticks += part.further_stop_ticks;
  others += part.others;
  others_ticks += part.others_ticks;
  std::array<std::size_t, kPlaces + 1> numbers{};
  numbers.fill(kNoPlace);
  for (std::size_t i = 0; i < kPlaces && part.places[i].key != 0; ++i)
    numbers.at(i) = find_or_add_place(places, part.places[i]);
  for (const LockRow& row : part.rows) {
    if (row.count == 0 || row.place >= kPlaces || row.ended_at_plus_one > kPlaces) continue;
    const auto ended_at = row.ended_at_plus_one == 0 ? kNoPlace : numbers.at(row.ended_at_plus_one - 1);
    LockRow* const sum = row_of(numbers.at(row.place), ended_at);
    if (sum == nullptr) {
      others += row.count;
      others_ticks += row.ticks;
      continue;
    }
    for (std::size_t i = 0; i < sum->threads.size(); ++i) sum->threads.at(i) |= row.threads.at(i);
    sum->ticks += row.ticks;
    sum->by_peers += row.by_peers;
    if (row.longest >= sum->longest) {
      sum->longest = row.longest;
      sum->longest_begin = row.longest_begin;
      sum->longest_thread = row.longest_thread;
      sum->longest_ender = row.longest_ender;
    }
    sum->count += row.count;
  }
  for (const StopRow& row : part.stops) {
    if (row.count == 0 || row.place_plus_one > kPlaces) continue;
    const auto place = row.place_plus_one == 0 ? kNoPlace : numbers.at(row.place_plus_one - 1);
    const std::string_view call(row.call.data(), strnlen(row.call.data(), row.call.size()));
    StopRow* const sum = stop_at(place, row.why, call);
    if (sum == nullptr) {
      further_stops += row.count;
      further_stop_ticks += row.ticks;
      continue;
    }
    sum->ticks += row.ticks;
    sum->until_stood += row.until_stood;
    sum->lost += row.lost;
    if (row.longest >= sum->longest) {
      sum->longest = row.longest;
      sum->longest_begin = row.longest_begin;
      sum->longest_thread = row.longest_thread;
    }
    sum->count += row.count;
  }
}

}  // namespace gilscope
