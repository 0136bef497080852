// The recorder of cumulative figures: no file, constant memory, readable while the program runs. record()
// comes from the hooks with the GIL's mutex held; it may do nothing that recorder.h forbids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "analysis/gil_machine.h"
#include "probe/recorder.h"

namespace gilscope {

class Counters final : public Recorder {
 public:
  // `memory`: see RowTable.
  explicit Counters(Bounds bounds = {}, std::byte* memory = nullptr) : machine_(bounds, memory) {}

  // See GilMachine::begin. With the GIL's mutex held, or before its first event.
  void begin(GilId gil, std::optional<ThreadId> holder, std::uint64_t ticks) noexcept {
    machine_.begin(gil, holder, ticks);
  }

  void open(GilId gil, std::int64_t interpreter) noexcept override { machine_.open(gil, interpreter); }
  void record(const Event& event) noexcept override { machine_.apply(event); }

  // From any thread; takes microseconds a row and holds up nobody. See GilMachine::snapshot for `now`.
  [[nodiscard]] MachineSnapshot snapshot(std::uint64_t now) const { return machine_.snapshot(now); }

  [[nodiscard]] const RowTable& table() const noexcept { return machine_.table(); }

  // As if just made; nobody may record or read meanwhile. For the child of a fork.
  void clear() noexcept { machine_.clear(); }

 private:
  GilMachine machine_;
};

}  // namespace gilscope
