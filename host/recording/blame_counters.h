// The recorder of a run that is counted: the figures of Counters, and which lines made others wait. Constant
// memory, readable while the program runs; by the rules of recorder.h.
#pragma once

#include <cstddef>
#include <optional>

#include "analysis/gil_machine.h"
#include "analysis/process_record.h"
#include "probe/recorder.h"
#include "recording/span_table.h"
#include "recording/stack_store.h"

namespace gilscope {

class BlameCounters final : public Recorder {
 public:
  // In `memory`: size_of(bounds) bytes of zeros, which outlive this one. nullptr: in memory of its own;
  // throws std::bad_alloc.
  explicit BlameCounters(Bounds bounds = {}, std::byte* memory = nullptr);

  [[nodiscard]] static std::size_t size_of(const Bounds& bounds) noexcept;

  // From now on holds for which nobody waits are in spans, too: the probe tells where they are, too
  // (Stacks::Every).
  void take_every_hold() noexcept { has_every_hold_ = true; }
  [[nodiscard]] bool has_every_hold() const noexcept { return has_every_hold_; }

  void open(GilId gil, std::int64_t interpreter) noexcept override { machine_.open(gil, interpreter); }
  void record(const Event& event) noexcept override {
    if (event.kind == EventKind::Acquire || event.kind == EventKind::Release) [[likely]] {
      machine_.apply(event);
    } else {
      await(event);
    }
  }
  void record_at(const Event& event, std::span<const CodePoint> stack,
                 const CodeReader& reader) noexcept override;

  // Reads what one of these bounds left in its memory, in this process or in another one.
  class View {
   public:
    View(const Bounds& bounds, std::byte* memory);

    [[nodiscard]] const RowTable& table() const noexcept { return table_; }
    // See SpanTable::read.
    [[nodiscard]] BlameRecord blame(bool has_every_hold, std::uint64_t now) const;

   private:
    RowTable table_;
    const SpanTable* spans_;
    const StackStore* stacks_;
  };
  [[nodiscard]] View view() const { return {machine_.table().bounds(), data_}; }

  // As if just made, in memory of its own. Nobody may record or read meanwhile. For the child of a fork.
  void clear() noexcept {
    if (memory_) memory_->clear();
  }

 private:
  void await(const Event& event) noexcept;
  void release(const Event& event, std::optional<std::uint32_t> stack) noexcept;
  void acquire(const Event& event, std::optional<std::uint32_t> stack) noexcept;

  std::optional<ZeroedMemory> memory_;
  std::byte* data_;
  GilMachine machine_;
  SpanTable* spans_;
  StackStore* stacks_;
  bool has_every_hold_ = false;
};

}  // namespace gilscope
