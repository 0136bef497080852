#include "recording/recording.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <pthread.h>
#include <sstream>
#include <unistd.h>

namespace gilscope {
namespace {

// Of the process that is looked at; its children have less of their own.
constexpr Bounds kSharedBounds{.rows = 1024, .gils = 256};

std::size_t slot_bytes() {
  constexpr std::size_t kPage = 4096;
  const std::size_t size = sizeof(ProcessNote) + RowTable::size_of(kSharedBounds);
  return (size + kPage - 1) / kPage * kPage;
}

ThreadId calling_thread() noexcept { return ThreadId{static_cast<std::uint32_t>(gettid())}; }

// Not for a zombie, which only waits to be waited for.
bool is_alive(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const auto end_of_name = text.str().rfind(')');
  return end_of_name != std::string::npos && end_of_name + 2 < text.str().size() &&
         text.str()[end_of_name + 2] != 'Z' && text.str()[end_of_name + 2] != 'X';
}

std::uint64_t last_event(const MachineSnapshot& figures, std::uint64_t started) {
  std::uint64_t last = started;
  for (const auto& gil : figures.gils) last = std::max(last, gil.last);
  return last;
}

std::vector<ThreadRecord> read_threads(const ProcessNote& note, bool is_this_process) {
  std::vector<ThreadRecord> threads;
  const auto count = std::min<std::uint64_t>(note.threads.read(), ProcessNote::kThreads);
  for (std::size_t i = 0; i < count; ++i) {
    const ThreadNote& thread = note.notes[i];
    ThreadRecord record{.id = ThreadId{static_cast<std::uint32_t>(thread.thread.read())}};
    record.name.assign(thread.name.data(), strnlen(thread.name.data(), ThreadNote::kNameBytes));
    auto end = thread.cpu_end.read();
    if (end == 0 && is_this_process) {
      end = static_cast<std::uint64_t>(read_thread_cpu(record.id).value_or(Nanoseconds{}).count());
    }
    if (end != 0) record.cpu = Nanoseconds(static_cast<std::int64_t>(end - thread.cpu_begin.read()));
    threads.push_back(std::move(record));
  }
  return threads;
}

// `now` is the clock's; the process may be another one, alive or not.
ProcessRecord read_process(const ProcessNote& note, const RowTable& table, TickLength tick,
                           std::uint64_t now) {
  const bool is_stopped = note.state.read() == 2;
  const bool is_this_process = note.pid.read() == static_cast<std::uint64_t>(getpid());
  const auto started = note.started_ticks.read();
  ProcessRecord record{.pid = static_cast<std::int64_t>(note.pid.read()),
                       .parent_pid = static_cast<std::int64_t>(note.parent_pid.read()),
                       .role = static_cast<ProcessRole>(note.role.read()),
                       .tick = tick};
  auto end = is_stopped ? note.stopped_ticks.read() : now;
  if (!is_stopped && !is_this_process && !is_alive(record.pid)) {
    end = last_event(read_machine(table, started), started);
  }
  record.figures = read_machine(table, end);
  end = std::max(end, started);
  record.wall = tick.of(end - started);
  auto cpu = note.cpu_end.read();
  if (cpu == 0 && is_this_process) cpu = static_cast<std::uint64_t>(read_process_cpu().count());
  if (cpu != 0) record.cpu = Nanoseconds(static_cast<std::int64_t>(cpu - note.cpu_begin.read()));
  record.threads = read_threads(note, is_this_process);
  return record;
}

bool has_events(const ProcessRecord& record) { return !record.figures.threads.empty(); }

}  // namespace

constinit Recording* Recording::running = nullptr;

Recording::Recording(std::optional<SharedSpace> space, ProcessRole role)
    : space_(std::move(space)), role_(role) {
  std::byte* const slot = space_ ? space_->claim() : nullptr;
  if (slot == nullptr) {
    space_.reset();
    own_note_ = std::make_unique<ProcessNote>();
    note_ = own_note_.get();
    counters_.emplace();
  } else {
    note_ = reinterpret_cast<ProcessNote*>(slot);
    counters_.emplace(kSharedBounds, slot + sizeof(ProcessNote));
  }
}

Recording::Recording(Reach reach)
    : Recording(
          reach == Reach::WithChildren ? std::optional(SharedSpace::create(slot_bytes())) : std::nullopt,
          ProcessRole::First) {}

std::unique_ptr<Recording> Recording::join(const std::string& path, ProcessRole role) {
  auto space = SharedSpace::open(path, slot_bytes());
  if (!space) return nullptr;
  return std::unique_ptr<Recording>(new Recording(std::move(space), role));
}

Recording::~Recording() { stop(); }

void Recording::start() {
  static const int error = pthread_atfork(nullptr, nullptr, begin_again_in_child);
  if (error != 0) throw Error("no memory to watch for forks", "free some memory");
  probe_.start(*counters_);
  note_->begin(role_, probe_.started().ticks);
  if (ThreadNote* const own = note_->find_or_add(calling_thread())) {
    // It has worked before: Python's start alone takes more than a short script.
    const auto cpu = read_thread_cpu(calling_thread()).value_or(Nanoseconds{});
    own->cpu_begin.set(static_cast<std::uint64_t>(cpu.count()));
  }
  // Python's own name for it; `threading` may never be imported.
  if (gettid() == getpid()) note_->name_thread(calling_thread(), "MainThread");
  running = this;
}

void Recording::stop() noexcept {
  if (!probe_.is_running()) return;
  probe_.stop();
  running = nullptr;
  note_->end(probe_.stopped().ticks);
}

void Recording::end_thread(ThreadId thread) noexcept {
  ThreadNote* const note = note_->find_or_add(thread);
  const auto cpu = read_thread_cpu(thread);
  if (note != nullptr && cpu) note->cpu_end.set(static_cast<std::uint64_t>(cpu->count()));
}

// The child has one thread, and records nothing before its GIL was made anew. System calls only.
void Recording::begin_again_in_child() noexcept {
  if (running == nullptr) return;
  Recording& recording = *running;
  if (recording.space_) {
    recording.space_->claim_anew();
  } else {
    *recording.note_ = {};
    recording.counters_->clear();
  }
  recording.role_ = recording.role_ == ProcessRole::Server ? ProcessRole::Forkserver : ProcessRole::Fork;
  recording.note_->begin(recording.role_, recording.probe_.clock().read());
  recording.note_->name_thread(calling_thread(), "MainThread");
}

RecordedRun Recording::collect() const {
  const ClockPoint now = probe_.is_running() ? probe_.clock().sample() : probe_.stopped();
  const ClockPoint& started = probe_.started();
  const auto passed_ticks = static_cast<double>(now.ticks - started.ticks);
  const TickLength tick{
      passed_ticks > 0 ? static_cast<double>((now.time - started.time).count()) / passed_ticks : 1.0};
  RecordedRun run{.losses = probe_.losses(), .clock = probe_.clock().kind()};
  if (!space_) {
    const RowTable& table = counters_->table();
    run.processes.push_back(read_process(*note_, table, tick, now.ticks));
    return run;
  }
  run.unrecorded_processes = space_->refused();
  run.processes.push_back(read_process(*note_, counters_->table(), tick, now.ticks));
  if (!space_->is_still_ours()) {
    run.unrecorded_processes += space_->claimed() - 1;
    return run;
  }
  for (std::uint64_t slot = 0; slot < space_->claimed(); ++slot) {
    if (slot == space_->slot()) continue;
    const SharedSpace::View view(*space_, slot);
    if (view.data() == nullptr) {
      ++run.unrecorded_processes;
      continue;
    }
    const auto& note = *reinterpret_cast<const ProcessNote*>(view.data());
    if (note.state.read() == 0) continue;
    const RowTable table(kSharedBounds, view.data() + sizeof(ProcessNote));
    auto record = read_process(note, table, tick, probe_.clock().read());
    if (has_events(record)) run.processes.push_back(std::move(record));
  }
  return run;
}

}  // namespace gilscope
