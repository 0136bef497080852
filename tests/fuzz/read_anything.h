// Reads any bytes as the file of a process, as the fuzzer, the replay program and the unit tests do. The
// bytes are a file without its emptiness: 352 of the header, 32 of its table of drops, then 256 of each
// block; the rest of each block is zero. So a fuzzer need not find its way through 16 KiB of nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/gil_machine.h"
#include "analysis/gil_summary.h"
#include "analysis/run_summary.h"
#include "analysis/timeline.h"
#include "capture/format.h"
#include "capture/process_reader.h"
#include "support/error.h"
#include "support/file.h"

namespace gilscope::test {

struct ReadResult {
  std::uint64_t events = 0;
  std::optional<std::string> error;
};

inline ReadResult read_all(const std::filesystem::path& file) {
  ReadResult result;
  try {
    const ProcessReader reader(file);
    // What `gilscope report` makes of it.
    const TickConversion clock(reader.facts().earliest, reader.facts().latest);
    GilMachine machine({.rows = 8, .gils = 4});
    Blame blame;
    Timeline timeline(reader.facts().begin.ticks, TickLength{clock.tick_ns()}, {.rows = 8, .cells = 64});
    timeline.begin_process();
    std::uint64_t last = 0;
    auto sequence = reader.events();
    sequence.take_lock_waits([&](const CapturedWait& wait) {
      if (wait.end < wait.begin || wait.end > kMaxTicks || wait.wait_for > WaitFor::World) std::abort();
      timeline.add({.kind = IntervalKind::LockWait,
                    .gil = wait.gil,
                    .thread = wait.thread,
                    .begin = wait.begin,
                    .end = wait.end});
      if (wait.stands) static_cast<void>(sequence.names().stacks.stack(*wait.stands));
    });
    for (Event event{}; sequence.next(event); ++result.events) {
      if (event.ticks >= std::uint64_t{1} << 63U || static_cast<unsigned>(event.kind) > 3) std::abort();
      const auto interval = machine.ending(event);
      if (interval && (interval->end < interval->begin ||
                       clock.to_time(interval->end) < clock.to_time(interval->begin))) {
        std::abort();
      }
      if (interval) timeline.add(*interval);
      machine.apply(event);
      blame.apply(event, sequence.stands());
      last = event.ticks;
    }
    for (const auto& interval : machine.open_intervals(last)) {
      if (interval.end < interval.begin) std::abort();
      timeline.add(interval);
    }
    std::size_t cells = 0;
    for (const auto& row : timeline.rows()) cells += row.cells.cells().size();
    if (cells > 64) std::abort();
    const BlameRecord record{.spans = blame.spans(last), .stacks = sequence.take_names().stacks};
    static_cast<void>(rank_blame(record, TickLength{clock.tick_ns()}));
    static_cast<void>(summarize(machine.snapshot(last), TickLength{clock.tick_ns()}, Nanoseconds(1)));
  } catch (const Error& error) {
    result.error = error.what();
    if (error.exit_code() != ExitCode::CannotRun) std::abort();
    if (result.error->find(": byte ") == std::string::npos) std::abort();
  }
  return result;
}

inline ReadResult read_anything(std::span<const std::uint8_t> bytes) {
  const FileDescriptor file(memfd_create("capture", MFD_CLOEXEC));
  if (file.get() < 0) std::abort();
  off_t end = 0;
  const auto put = [&](std::size_t size, off_t offset) {
    size = std::min(size, bytes.size());
    if (pwrite(file.get(), bytes.data(), size, offset) != static_cast<ssize_t>(size)) std::abort();
    bytes = bytes.subspan(size);
    end = offset + static_cast<off_t>(size);
  };
  put(352, 0);
  if (!bytes.empty()) {
    put(32, offsetof(FileHeader, drops));
    for (off_t block = 1; !bytes.empty(); ++block) put(256, block * off_t{kBlockSize});
    end = (end / kBlockSize + 1) * kBlockSize;
  }
  if (ftruncate(file.get(), end) != 0) std::abort();
  return read_all("/proc/self/fd/" + std::to_string(file.get()));
}

}  // namespace gilscope::test
