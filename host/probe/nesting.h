// Probes within one another: which levels of hooks are in use, and whose hooks CPython's slots lead to: those
// of the highest level, as each calls the one below. Probes may end in any order: the hooks of one that is
// over pass calls on until those above it are over, too, or another probe has them.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>

#include "probe/calibration.h"
#include "probe/elf_slots.h"
#include "probe/hooks.h"

// How many probes run in this process. Exported, so that an extension that is loaded into a host which
// exports its symbols counts with the host, and knows whose hooks it finds in the slots. (Of another copy of
// gilscope it knows nothing, and refuses to run within it.) Relaxed: a count of what others order.
extern "C" {
extern std::atomic<int> gilscope_running_probes;
}

namespace gilscope {

// Whether we are in an extension in such a host.
[[nodiscard]] bool is_in_host() noexcept;
// Whether that is the host's.
[[nodiscard]] bool is_hosts(const void* address) noexcept;

// For the thread that starts a probe: others wait for it, and give their GIL up for that, as a start needs to
// take its own. The calling thread holds a GIL.
class StartTurn {
 public:
  StartTurn();
  StartTurn(const StartTurn&) = delete;
  StartTurn& operator=(const StartTurn&) = delete;
  StartTurn(StartTurn&&) = delete;
  StartTurn& operator=(StartTurn&&) = delete;
  ~StartTurn();
  // In the child of a fork, where the thread that has it may not be.
  static void forget() noexcept;
};

// As calibrate(), by what a probe that runs has seen: its slots are in use. nullopt: none runs. In the turn
// of a start, so that none begins to; without the mutex. Throws ProbeError where that one has overlooked the
// GIL.
[[nodiscard]] std::optional<Calibration> calibrate_within();

// Held by the caller of what follows; taken before the mutex of a level's table, and with no mutex of a GIL.
[[nodiscard]] std::mutex& nesting_mutex() noexcept;

// The lowest that is free, from now on in use: the slots lead to it already, or to the one below. nullopt:
// there is none.
[[nodiscard]] std::optional<std::size_t> take_level() noexcept;
// Makes the slots lead to the hooks of a level that was taken just now. Throws ProbeError, with all as it
// was.
void lead_slots_to(std::size_t level, const LoadedObject& cpython);
// Whether somebody else has changed them since, so that events are missing.
[[nodiscard]] bool were_slots_overwritten() noexcept;
// No longer in use. The slots get what they held before it, unless a level above still needs them.
void give_level_back(std::size_t level) noexcept;

[[nodiscard]] const GilCalls& calls_below(std::size_t level) noexcept;

}  // namespace gilscope
