#include "cli/live_watch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "analysis/run_window.h"
#include "recording/captured_run.h"
#include "recording/dump.h"
#include "run/trial_runner.h"

namespace gilscope::cli {
namespace {

using std::chrono::steady_clock;

// Looks take a fiftieth of a core at most.
constexpr int kPauses = 50;

Nanoseconds age_of(const RecordedRun& run) {
  Nanoseconds age{};
  for (const auto& process : run.processes) {
    if (process.folded == 0) age = std::max(age, process.wall);
  }
  return age;
}

}  // namespace

LiveWatch::LiveWatch(LiveRun run, Nanoseconds interval, Nanoseconds window)
    : run_(std::move(run)), interval_(interval), window_(window) {
  figures_.command = run_.command();
}

// Of a run that keeps its events, all of them are read; of one that keeps the last, those of the window.
RecordedRun LiveWatch::read() const {
  if (run_.capture().empty()) return run_.collect();
  std::optional<TemporaryFolder> copy;
  CapturedRun captured(read_live_capture(run_, copy, window_ > Nanoseconds{} ? window_ : interval_));
  captured.watch(throw_if_interrupted);
  return replay(captured);
}

void LiveWatch::look() {
  const auto begin = steady_clock::now();
  if (run_.keep()) {  // what it does not keep is in no difference
    const auto run = read();
    figures_.all = figures_.window = summarize_run(run);
    figures_.age = run_.age();
    figures_.length = age_of(run);
  } else {
    compare(begin);
  }
  const auto end = steady_clock::now();
  due_ = std::max(begin + interval_, end + kPauses * (end - begin));
}

void LiveWatch::compare(steady_clock::time_point now) {
  auto run = read();
  const auto age = age_of(run);
  looks_.push_back({.time = now, .age = age, .run = std::move(run)});
  // One that is as old as the window stays: there it begins.
  while (looks_.size() > 2 && now - looks_[1].time >= window_) looks_.pop_front();
  const Look& first = looks_.front();
  const Look& last = looks_.back();
  figures_.all = summarize_run(last.run);
  figures_.age = last.age;
  const bool is_first = looks_.size() == 1;
  figures_.window = is_first ? figures_.all : summarize_run(window_of(first.run, last.run));
  figures_.length = is_first ? last.age : last.age - std::min(first.age, last.age);
}

}  // namespace gilscope::cli
