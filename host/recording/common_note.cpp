#include "recording/common_note.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include <fmt/core.h>

#include "capture/format.h"
#include "recording/note_reading.h"
#include "support/error.h"

namespace gilscope {
namespace {

std::uint64_t last_event(const MachineSnapshot& figures, std::uint64_t started) {
  std::uint64_t last = started;
  for (const auto& gil : figures.gils) last = std::max(last, gil.last);
  return last;
}

}  // namespace

std::size_t bytes_of_slot() {
  constexpr std::size_t kPage = 4096;
  const std::size_t size = sizeof(ProcessNote) + BlameCounters::size_of(kSharedBounds);
  return (size + kPage - 1) / kPage * kPage;
}

void CommonNote::set_began(const ClockPoint& point) noexcept {
  began_ticks.set(point.ticks);
  began_ns.set(static_cast<std::uint64_t>(point.time.count()));
}

std::optional<ClockPoint> CommonNote::began() const noexcept {
  const auto ns = began_ns.read();
  const auto ticks = began_ticks.read();
  if (ns == 0 || ns > kMaxTicks || ticks > kMaxTicks) return std::nullopt;
  return ClockPoint{.ticks = ticks, .time = Nanoseconds(static_cast<std::int64_t>(ns))};
}

void CommonNote::set_command(const std::vector<std::string>& words) noexcept {
  std::size_t used = 0;
  for (const auto& word : words) {
    if (used + 1 >= command.size()) break;
    used += word.copy(command.data() + used, command.size() - 1 - used) + 1;
  }
  command_bytes.set(used);
}

std::vector<std::string> CommonNote::read_command() const {
  std::vector<std::string> words;
  auto rest =
      std::span<const char>(command).first(std::min<std::uint64_t>(command_bytes.read(), command.size()));
  while (!rest.empty()) {
    words.push_back(text_of(rest));
    rest = rest.subspan(std::min(rest.size(), words.back().size() + 1));
  }
  return words;
}

void tell_common(const SharedSpace& space, const Told& told) {
  CommonNote& note = CommonNote::of(space);
  const auto& capture = told.capture;
  note.stacks.set(static_cast<std::uint64_t>(told.stacks));
  note.clock.set(static_cast<std::uint64_t>(told.clock));
  if (!capture) return;
  if (capture->folder.size() >= note.folder.size()) {
    throw Error(fmt::format("the path of the capture is too long: {}", capture->folder), "record elsewhere");
  }
  note.max_size.set(capture->max_size);
  note.kept_ns.set(capture->keep ? static_cast<std::uint64_t>(capture->keep->count()) : 0);
  for (std::size_t i = 0; i < capture->limits.size(); ++i) {
    note.triggers.set_limit(static_cast<TriggerKind>(i), capture->limits.at(i));
  }
  std::memcpy(note.folder.data(), capture->folder.data(), capture->folder.size());
}

Told read_common(const SharedSpace& space) {
  const CommonNote& note = CommonNote::of(space);
  const auto stacks = note.stacks.read();
  Told told{.capture = {},
            .stacks = stacks <= static_cast<std::uint64_t>(Stacks::Every) ? static_cast<Stacks>(stacks)
                                                                          : Stacks::Off,
            .clock = note.clock.read() == static_cast<std::uint64_t>(ClockKind::Tsc) ? ClockKind::Tsc
                                                                                     : ClockKind::Monotonic};
  if (note.folder.front() != 0) {
    told.capture = CapturePlan{.folder = text_of(note.folder), .max_size = note.max_size.read()};
    const auto kept = std::min<std::uint64_t>(note.kept_ns.read(), kMaxTicks);
    if (kept != 0) told.capture->keep = Nanoseconds(static_cast<std::int64_t>(kept));
  }
  return told;
}

std::optional<ProcessRecord> read_process(const ProcessNote& note, const BlameCounters::View& counted,
                                          TickLength tick, std::uint64_t now) {
  auto notes = read_note(note, now);
  if (!notes) return std::nullopt;
  auto end = notes->end ? *notes->end : last_event(counted.figures(notes->begin), notes->begin);
  auto figures = counted.figures(end);
  end = std::max(end, notes->begin);
  const auto zero = notes->folded == 0 ? notes->begin : ~std::uint64_t{0};  // of time
  return ProcessRecord{.pid = notes->pid,
                       .parent_pid = notes->parent_pid,
                       .folded = notes->folded,
                       .role = role_of_start_method(notes->start_method),
                       .name = std::move(notes->name),
                       .wall = tick.of(end - notes->begin),
                       .cpu = notes->cpu,
                       .tick = tick,
                       .figures = std::move(figures),
                       .threads = std::move(notes->threads),
                       .hooks = notes->hooks,
                       .steps = since(zero, std::move(notes->steps)),
                       .further_steps = notes->further_steps,
                       .lock_waits = since(zero, std::move(notes->lock_waits)),
                       .further_lock_waits = notes->further_lock_waits,
                       .open_lock_waits = since(zero, std::move(notes->open_lock_waits)),
                       .stops = since(zero, std::move(notes->stops)),
                       .further_stops = notes->further_stops,
                       .spins = notes->spins,
                       .spin_ticks = notes->spin_ticks,
                       .gil_return = since(zero, std::move(notes->gil_return)),
                       .blame = counted.blame(end),
                       .became_program = notes->became_program};
}

}  // namespace gilscope
