// The recorder of a run that is counted: who held the GIL and who waited, and which lines made others wait.
// Constant memory, readable while the program runs; by the rules of recorder.h.
//
// In the hook, what concerns one thread alone is counted in memory of its own (QuietHolds), and the rest is
// left in a ring of its own (EventQueue). The tables are filled later, off the GIL's mutex: by threads that
// are about to wait for a GIL, and by readers.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "analysis/gil_machine.h"
#include "analysis/process_record.h"
#include "probe/recorder.h"
#include "recording/event_queue.h"
#include "recording/process_note.h"
#include "recording/quiet_holds.h"
#include "recording/span_table.h"
#include "recording/stack_store.h"

namespace gilscope {

// The memory of a process that counts: its own, or another one's, alive or not. All zero bits: nothing
// counted.
class BlameTables {
 public:
  BlameTables(const Bounds& bounds, std::byte* memory);

  [[nodiscard]] static std::size_t size_of(const Bounds& bounds) noexcept;

  [[nodiscard]] EventQueue& queue() const noexcept { return *queue_; }
  [[nodiscard]] StackStore& stacks() const noexcept { return *stacks_; }
  [[nodiscard]] const RowTable& table() const noexcept { return machine_.table(); }
  // Of an event that goes nowhere; any thread, at any time.
  void count_lost() noexcept { machine_.count_lost(); }

  // The place of the GIL, whose number stands for it in all that follows: places are taken again when
  // interpreters have ended. By any thread.
  [[nodiscard]] std::optional<std::uint32_t> place_of(GilId gil) const noexcept;
  void close(GilId gil, std::uint32_t events) const noexcept;

  // The rest by who has the queue's lock.

  // The GIL's, taken where it has none, for its event of that sequence and the later ones; empty where none
  // is left.
  std::optional<std::uint32_t> take_place(GilId gil, std::uint32_t sequence) noexcept;
  void open(std::uint32_t place, std::int64_t interpreter) noexcept {
    machine_.open(GilId{place}, interpreter);
  }
  // Of the row of the thread, made where there is none; nullptr where there is no place.
  [[nodiscard]] QuietHolds* quiet_of(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept;
  // Whether there are so many rows that those of ended threads are to be folded; and does so. (In
  // blame_folds.cpp, as are the next two.)
  [[nodiscard]] bool is_to_fold(std::uint64_t more = 0) const noexcept {
    return table().rows_in_use() >= queue_->rows_to_fold.get() + more;
  }
  void fold(ProcessNote& names, bool (*has_ended)(ThreadId)) noexcept;
  void fold_gils() noexcept;
  // What somebody was killed in the middle of.
  void finish_fold() noexcept;
  // Returns whether nothing more is in the queue.
  bool drain(std::uint64_t limit) noexcept;
  void apply(const QueuedEvent& queued) noexcept;

  // The process has ended: so have all holds and waits, at its last event or at `end`, whichever is later.
  // Returns when that was. (In process_sums.cpp, as is the next.) `quiet`: as settled.
  std::uint64_t end_all(std::span<const QuietFigures> quiet, std::uint64_t end) noexcept;
  // Adds what another process counted, of which all has ended: GILs of main interpreters are one, those of
  // others too, and threads are families by the names that `part_names` has of them.
  void add(const BlameTables& part, const ProcessNote& part_names, ProcessNote& names);

  // By row: to be read before the queue is emptied for a reading, and settled after it; nobody folds
  // meanwhile.
  [[nodiscard]] std::vector<QuietFigures> read_quiet_holds() const;
  void settle(std::vector<QuietFigures>& quiet) const;
  // See GilMachine::snapshot and SpanTable::read.
  [[nodiscard]] MachineSnapshot figures(std::span<const QuietFigures> quiet, std::uint64_t now) const;
  [[nodiscard]] BlameRecord blame(std::span<const QuietFigures> quiet, std::uint64_t now) const;

 private:
  [[nodiscard]] bool is_done(const ThreadRow& row) const noexcept;
  [[nodiscard]] bool choose_gils() noexcept;
  void fold_chosen() noexcept;
  [[nodiscard]] bool choose(ProcessNote& names, bool (*has_ended)(ThreadId)) noexcept;
  void forget_names(ProcessNote& names, bool (*has_ended)(ThreadId)) const noexcept;
  void add(ThreadRow& sum, const ThreadRow& row) noexcept;
  static void add(ThreadRow& sum, const ThreadRow& row, const QuietHolds& quiet) noexcept;
  void clear(ThreadRow& row) noexcept;
  void clear_place(std::uint32_t place) noexcept;
  void note_applied(const QueuedEvent& queued, const ThreadRow& row) noexcept;
  void await(const Event& event, const GilMachine::Place& place) noexcept;
  void release(const QueuedEvent& queued, const GilMachine::Place& place) noexcept;
  void acquire(const QueuedEvent& queued, const GilMachine::Place& place) noexcept;

  GilMachine machine_;
  SpanTable* spans_;
  StackStore* stacks_;
  QuietHolds* quiet_;
  EventQueue* queue_;
};

class BlameCounters final : public Recorder {
 public:
  // In `memory`: size_of(bounds) bytes of zeros, which outlive this one. nullptr: in memory of its own;
  // throws std::bad_alloc. Threads that have ended are folded by the names that `names` has of them; nullptr:
  // they are not.
  explicit BlameCounters(Bounds bounds = {}, std::byte* memory = nullptr, ProcessNote* names = nullptr);

  [[nodiscard]] static std::size_t size_of(const Bounds& bounds) noexcept {
    return BlameTables::size_of(bounds);
  }

  // From now on holds for which nobody waits are in spans, too: the probe tells where they are, too
  // (Stacks::Every).
  void take_every_hold() noexcept {
    has_every_hold_ = true;
    tables_.queue().takes_every_hold.set(1);
  }

  void open(GilId gil, std::int64_t interpreter) noexcept override;
  void close(GilId gil, std::uint32_t events) noexcept override { tables_.close(gil, events); }
  bool absorb(const Event& event) noexcept override;
  void record(const Event& event) noexcept override { put(QueuedEvent::of(event), event); }
  void record_at(const Event& event, std::span<const CodePoint> stack,
                 const CodeReader& reader) noexcept override;
  void record_again(const Event& event) noexcept override;
  void work() noexcept override;

  // What one of these bounds left in its memory, in this process or in another one: read once, and as of now,
  // whoever goes on meanwhile.
  class View {
   public:
    enum class Of : std::uint8_t { ThisProcess, AnotherOne };
    View(const Bounds& bounds, std::byte* memory, Of whose = Of::AnotherOne);
    // Of a copy, by what was read before it was made: see LiveCopy.
    View(const Bounds& bounds, std::byte* copy, std::vector<QuietFigures> quiet);
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    View(View&&) = delete;
    View& operator=(View&&) = delete;

    [[nodiscard]] MachineSnapshot figures(std::uint64_t now) const { return tables_.figures(quiet_, now); }
    [[nodiscard]] BlameRecord blame(std::uint64_t now) const { return tables_.blame(quiet_, now); }

    // Of a process that has ended: see BlameTables::end_all, and BlameTables::add.
    std::uint64_t end_all(std::uint64_t end) noexcept { return tables_.end_all(quiet_, end); }
    void add_to(BlameTables& sum, const ProcessNote& own_names, ProcessNote& names) const {
      sum.add(tables_, own_names, names);
    }
    [[nodiscard]] bool has_counted() const noexcept { return tables_.table().rows_in_use() != 0; }

   private:
    BlameTables tables_;
    std::vector<QuietFigures> quiet_;
    bool is_locked_ = false;
  };
  [[nodiscard]] View view(View::Of whose = View::Of::ThisProcess) const { return {bounds_, data_, whose}; }

  // Calls `note` while nobody else uses the names of threads. Where somebody has stopped for good while they
  // did, it is not called.
  template <typename Note>
  void with_names(Note note) noexcept {
    EventQueue& queue = tables_.queue();
    if (!queue.lock_within(kPatience)) return;
    note();
    queue.unlock();
  }
  // Other tests than the system whether a thread has ended.
  void ask(bool (*has_ended)(ThreadId)) noexcept { has_ended_ = has_ended; }

  // As if just made, in the memory that it has: zeros again. Nobody may record or read meanwhile. For the
  // child of a fork.
  void begin_anew() noexcept;

 private:
  // Of who wants the queue's lock: somebody may have stopped the one that has it.
  static constexpr Nanoseconds kPatience = std::chrono::seconds(2);

  void put(QueuedEvent queued, const Event& event) noexcept;
  void attach(const Event& event) noexcept;
  [[nodiscard]] QuietHolds* find_quiet_holds(std::uint32_t place, const Event& event) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> find_place(GilId gil, std::uint32_t sequence) noexcept;
  void fold_if(bool is_to) noexcept;
  [[nodiscard]] bool put_in_time(const QueuedEvent& queued) noexcept;
  [[nodiscard]] bool make_way(std::uint64_t tries) noexcept;

  Bounds bounds_;
  std::optional<ZeroedMemory> memory_;
  std::byte* data_;
  BlameTables tables_;
  ProcessNote* names_;
  bool (*has_ended_)(ThreadId) = has_ended;
  bool has_every_hold_ = false;
  std::uint64_t session_ = 0;  // no other recorder's: a thread knows what it remembers of another one
};

}  // namespace gilscope
