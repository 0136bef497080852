#include "cli/live_watch.h"

#include <algorithm>
#include <utility>

#include "analysis/run_window.h"
#include "recording/captured_run.h"
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

// Of a run that keeps its events, all of them are read.
RecordedRun LiveWatch::read() const {
  if (run_.capture().empty()) return run_.collect();
  CapturedRun captured(read_capture(run_.capture(), run_.notes()));
  captured.watch(throw_if_interrupted);
  return replay(captured);
}

void LiveWatch::look() {
  const auto begin = steady_clock::now();
  auto run = read();
  const auto age = age_of(run);
  looks_.push_back({.time = begin, .age = age, .run = std::move(run)});
  // One that is as old as the window stays: there it begins.
  while (looks_.size() > 2 && begin - looks_[1].time >= window_) looks_.pop_front();
  const Look& first = looks_.front();
  const Look& last = looks_.back();
  figures_.all = summarize_run(last.run);
  figures_.age = last.age;
  const bool is_first = looks_.size() == 1;
  figures_.window = is_first ? figures_.all : summarize_run(window_of(first.run, last.run));
  figures_.length = is_first ? last.age : last.age - std::min(first.age, last.age);
  const auto end = steady_clock::now();
  due_ = std::max(begin + interval_, end + kPauses * (end - begin));
}

}  // namespace gilscope::cli
