#include "recording/flight_recorder.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <system_error>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/core.h>

#include "capture/capture_folder.h"
#include "support/error.h"
#include "support/log.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kAfter{1};
// Between looks at what processes note.
DumpSchedule::Duration pause_of(Nanoseconds keep) {
  constexpr std::chrono::milliseconds kLeast{250};
  if (keep == CapturePlan::kForEver) return std::chrono::seconds(1);  // it may hold less than that, or hours
  return std::max<DumpSchedule::Duration>(keep / 32, kLeast);
}

// Of a ring that is bounded by its size alone, so long are those of processes that have ended.
constexpr std::chrono::minutes kLongest{5};

DumpSchedule::Duration after_of(Nanoseconds keep) {
  return std::min<DumpSchedule::Duration>(kAfter,
                                          std::chrono::duration_cast<DumpSchedule::Duration>(keep / 4));
}

}  // namespace

FlightRecorder::FlightRecorder(LiveRun run, FlightPlan plan)
    : run_(std::move(run)),
      plan_(std::move(plan)),
      schedule_(after_of(run_.keep().value_or(Nanoseconds{})), plan_.per_hour),
      next_sweep_(std::chrono::steady_clock::now()),
      snapshots_(run_.capture()),
      note_every_(pause_of(run_.keep().value_or(CapturePlan::kForEver))) {}

std::vector<Dump> FlightRecorder::look(bool is_last) {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& trigger : run_.triggers().read_after(seen_)) schedule_.add(trigger, now);
  std::vector<Dump> dumps;
  if (const auto reason = schedule_.take(now, is_last)) dumps.push_back(write(*reason));
  if (now >= next_sweep_ && !is_last && !schedule_.is_pending()) sweep();
  if (now >= next_note_ && !is_last) note();
  return dumps;
}

fs::path FlightRecorder::name_of_next(const Trigger& trigger) const {
  const auto name = fmt::format("{:%Y%m%dT%H%M%SZ}-{}-{}", fmt::gmtime(std::time(nullptr)),
                                name_of(trigger.kind), trigger.pid);
  std::error_code error;
  fs::path path = plan_.folder / name;
  for (unsigned number = 2; fs::exists(path, error); ++number) {
    path = plan_.folder / fmt::format("{}-{}", name, number);
  }
  return path;
}

Dump FlightRecorder::write(const DumpReason& reason) {
  Dump dump{.folder = {}, .error = {}, .trigger = reason.trigger};
  try {
    fs::create_directories(plan_.folder);
    const auto folder = name_of_next(reason.trigger);
    dump.length = write_dump(run_, reason, folder, Existing::Keep).length;
    dump.folder = folder.string();
  } catch (const std::exception& error) {
    dump.error = error.what();
  }
  return dump;
}

// What a dump may need that begins as early as can be: a little before what is kept.
void FlightRecorder::note() {
  next_note_ = std::chrono::steady_clock::now() + note_every_;
  const std::uint64_t now = run_.clock().read();
  const auto keep = run_.keep().value_or(Nanoseconds{}) + Nanoseconds(2 * kAfter);
  const auto kept = static_cast<double>(keep.count()) / run_.tick_ns();
  try {
    snapshots_.add(now, run_.notes());
    if (kept < static_cast<double>(now)) snapshots_.drop_before(now - static_cast<std::uint64_t>(kept));
  } catch (const Error& error) {
    log_debug("a dump will have no CPU times: {}", error.what());
  }
}

// Their times of change say nothing: stores to a mapping need not be seen in them.
void FlightRecorder::sweep() {
  const auto now = std::chrono::steady_clock::now();
  next_sweep_ = now + std::chrono::seconds(1);
  const auto keep = std::min<Nanoseconds>(run_.keep().value_or(Nanoseconds{}), kLongest);
  std::error_code error;
  for (fs::directory_iterator files(run_.capture(), error), end; !error && files != end;
       files.increment(error)) {
    const auto pid = process_of(files->path());
    if (!pid || is_alive(*pid)) continue;
    const auto [entry, is_new] = ended_.try_emplace(files->path(), now);
    if (is_new || now - entry->second <= keep) continue;
    std::error_code gone;
    fs::remove(files->path(), gone);
    ended_.erase(entry);
  }
}

}  // namespace gilscope
