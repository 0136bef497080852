#include "probe/gil_table.h"

namespace gilscope {

Gil* GilTable::insert(std::uintptr_t cond) noexcept {
  if (Gil* const known = find(cond)) return known;
  std::size_t place = first_place(cond);
  for (std::size_t i = 0; i < kLongestProbe; ++i, place = (place + 1) % kPlaces) {
    Gil& gil = gils_[place];
    // Relaxed: keys are written under the mutex that we hold.
    if (gil.cond.load(std::memory_order_relaxed) > kGone) continue;
    gil.last_ticks = 0;
    gil.switches = 0;
    gil.holder = kNobody;
    gil.last_holder = kNobody;
    gil.waiters = 0;
    gil.has_id = false;
    gil.was_forked = false;
    gil.cond.store(cond, std::memory_order_release);  // partner: the acquire in find()
    return &gil;
  }
  ++overflows_;
  return nullptr;
}

void GilTable::erase(Gil& gil) noexcept {
  gil.recorder = nullptr;
  gil.cond.store(kGone,
                 std::memory_order_release);  // as in insert(): who finds another GIL here sees it whole
}

void GilTable::clear() noexcept {
  // No hook is installed, and no entry has a recorder: a thread that still waits in a hook of an earlier run
  // finds that, and looks no further. (Untouched pages of the table stay untouched.)
  for (Gil& gil : gils_) {
    if (gil.cond.load(std::memory_order_relaxed) == kNeverUsed) continue;  // relaxed: as in insert()
    gil.cond.store(kNeverUsed, std::memory_order_release);
  }
  overflows_ = 0;
}

}  // namespace gilscope
