// Watches a run that keeps rings, from outside its processes: writes a dump when something happens that is
// waited for, and deletes what the rings of processes that have ended no longer need to hold.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "recording/dump_schedule.h"
#include "recording/live_run.h"
#include "recording/note_snapshots.h"

namespace gilscope {

struct FlightPlan {
  std::filesystem::path folder;  // where dumps are written; made with the first
  std::uint64_t per_hour = 12;
};

struct Dump {
  std::string folder;  // "" where it could not be written:
  std::string error;   // why
  Trigger trigger;
  Nanoseconds length{};  // of what lasted; where the dump was written
};

class FlightRecorder {
 public:
  FlightRecorder(LiveRun run, FlightPlan plan);

  // Now and then; `is_last`: what is to come is not waited for. Returns the dumps that were due.
  std::vector<Dump> look(bool is_last = false);

  [[nodiscard]] std::uint64_t passed_over() const noexcept { return schedule_.passed_over(); }

  // How often to look.
  static constexpr std::chrono::milliseconds kInterval{100};

 private:
  Dump write(const DumpReason& reason);
  [[nodiscard]] std::filesystem::path name_of_next(const Trigger& trigger) const;
  void sweep();
  void note();

  LiveRun run_;
  FlightPlan plan_;
  DumpSchedule schedule_;
  std::uint64_t seen_ = 0;  // triggers
  DumpSchedule::Time next_sweep_;
  std::map<std::filesystem::path, DumpSchedule::Time> ended_;  // files, and since when their processes have
  NoteSnapshots snapshots_;
  DumpSchedule::Duration note_every_;
  DumpSchedule::Time next_note_;
};

}  // namespace gilscope
