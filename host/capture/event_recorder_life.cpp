// How a recording begins and ends, and what becomes of it in a child.
#include <algorithm>
#include <cstring>
#include <optional>
#include <pthread.h>
#include <utility>

#include <fmt/core.h>

#include "capture/event_recorder.h"
#include "capture/own_lane.h"
#include "support/error.h"

namespace gilscope {
namespace {

// Whom the handler of fork() tells. Relaxed: start and stop are the program's to order with its forks.
constinit std::atomic<EventRecorder*> running{nullptr};
constinit std::atomic<std::uint64_t> sessions{0};

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

// Fewer hold next to nothing of a process with some threads.
constexpr std::uint64_t kLeastParts = 16;

std::uint32_t parts_of(std::uint64_t bytes) noexcept {
  return static_cast<std::uint32_t>(std::clamp(bytes / kBlockSize, kLeastParts, std::uint64_t{1} << 30U));
}

}  // namespace

EventRecorder::~EventRecorder() { stop(); }

void EventRecorder::watch_process() {
  static const int error = pthread_atfork(nullptr, nullptr, after_fork_in_child);
  if (error != 0) throw Error("no memory to watch for forks", "free some memory");
}

void EventRecorder::start(RecordingOptions options) {
  EventRecorder* nobody = nullptr;
  if (!running.compare_exchange_strong(nobody, this, std::memory_order_relaxed)) {
    throw Error("events are recorded already in this process", "stop that first");
  }
  try {
    watch_process();
    options_ = std::move(options);
    folder_ = std::filesystem::absolute(options_.folder);
    if (const int error = prepare_lanes(); error != 0) {
      throw Error(fmt::format("no memory to record events: {}", std::strerror(error)), "free some memory");
    }
    const auto limit = options_.is_ring ? kNoLimit : options_.max_size;
    if (const int error = budget_.open(folder_, limit, options_.counts); error != 0) {
      throw Error(fmt::format("{}/{} cannot be used: {}", folder_, kSizeFile, std::strerror(error)),
                  "record into the folder of a capture");
    }
    pid_ = options_.system->pid();
    parent_pid_ = options_.system->parent_pid();
    begin_ = options_.begin ? *options_.begin : options_.clock.sample();
    reference_ = begin_;
    process_begin_ = options_.process_begin.value_or(Nanoseconds{});
    start_method_ = options_.start_method;
    watch_.begin(options_.triggers, options_.clock, begin_);
    unfiled_drops_ = 0;
    ring_parts_ = options_.is_ring ? parts_of(options_.max_size) : 0;
    session_ = sessions.fetch_add(1, std::memory_order_relaxed) + 1;
    if (const int error = create_file(); error != 0) {
      throw Error(fmt::format("no events file could be made in {}: {}", folder_, std::strerror(error)),
                  error == EFBIG ? "allow it more space" : "name a folder of yours on a disk with space");
    }
    state_.store(State::Open, std::memory_order_release);
  } catch (...) {
    budget_.close();
    running.store(nullptr, std::memory_order_relaxed);
    throw;
  }
}

int EventRecorder::create_file() noexcept {
  return file_.create(folder_,
                      {.clock = options_.clock,
                       .pid = pid_,
                       .parent_pid = parent_pid_,
                       .begin = begin_,
                       .reference = reference_,
                       .process_begin = process_begin_,
                       .start_method = start_method_,
                       .metadata = options_.metadata,
                       .ring_parts = ring_parts_},
                      *options_.system, budget_);
}

RecordingCounts EventRecorder::stop(std::optional<ClockPoint> end) noexcept {
  if (running.load(std::memory_order_relaxed) != this) return {};
  const RecordingCounts result = counts();
  state_.store(State::Stopped, std::memory_order_relaxed);
  const std::uint64_t events = events_of_lanes();
  release_lanes();
  file_.finish(end ? *end : options_.clock.sample(), events);
  session_ = 0;
  budget_.note();
  budget_.close();
  running.store(nullptr, std::memory_order_relaxed);
  return result;
}

bool EventRecorder::is_running() const noexcept { return running.load(std::memory_order_relaxed) == this; }

RecordingCounts EventRecorder::counts() const noexcept {
  if (!is_running()) return {};
  RecordingCounts counts{.events = events_of_lanes(),
                         .dropped_events = unfiled_drops_.load(std::memory_order_relaxed)};
  if (state_.load(std::memory_order_acquire) == State::Open) {
    counts.dropped_events += file_.dropped_events();
    counts.bytes = file_.size();
  }
  return counts;
}

void EventRecorder::abandon() noexcept {
  if (!is_running()) return;
  release_lanes();
  file_.abandon();
  budget_.close();
  state_.store(State::Stopped, std::memory_order_relaxed);
  running.store(nullptr, std::memory_order_relaxed);
}

// The child has one thread, and its lanes are mappings of the parent's file: away with them, before anything
// is recorded. Here no file is made: most children of fork() only exec.
void EventRecorder::after_fork_in_child() noexcept {
  EventRecorder* const recorder = running.load(std::memory_order_relaxed);
  if (recorder == nullptr) return;
  const Unnoticed unnoticed;
  // Where another thread of the parent was about to start or stop it, here it is stopped.
  if (recorder->state_.load(std::memory_order_relaxed) == State::Stopped) return recorder->abandon();
  release_lanes();
  recorder->file_.abandon();
  recorder->session_ = sessions.fetch_add(1, std::memory_order_relaxed) + 1;
  recorder->unfiled_drops_.store(0, std::memory_order_relaxed);
  recorder->parent_pid_ = recorder->pid_;  // by now it may have another one
  recorder->pid_ = recorder->options_.system->pid();
  recorder->begin_ = recorder->options_.system->read_point(recorder->options_.clock);
  recorder->process_begin_ = recorder->begin_.time;
  recorder->start_method_ = recorder->options_.start_method_of_forks;
  recorder->state_.store(State::Forked, std::memory_order_relaxed);
}

}  // namespace gilscope
