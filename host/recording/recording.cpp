#include "recording/recording.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <pthread.h>
#include <span>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

#include "capture/format.h"
#include "probe/hooks.h"
#include "recording/address_space.h"
#include "recording/common_note.h"
#include "recording/cpu_wait.h"
#include "recording/note_reading.h"
#include "recording/process_folder.h"
#include "support/error.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

// What two samples of the clock may be off together, generously.
constexpr double kClockErrorNs = 500;

ProcessRole role_of_forks(ProcessRole role) noexcept {
  return role == ProcessRole::Server ? ProcessRole::Forkserver : ProcessRole::Fork;
}

ThreadId calling_thread() noexcept { return ThreadId{static_cast<std::uint32_t>(gettid())}; }

Nanoseconds cpu_of(const rusage& used) noexcept {
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

// All that it took, for who has waited for it; 0 of one that lives, or that became another program, which
// took what this one had taken; empty where nobody knows.
std::optional<Nanoseconds> cpu_of_ended(const ProcessNote& note) {
  if (note.exec_ticks.read() != 0) return Nanoseconds{};
  const auto cpu = note.cpu_end.read();
  // All of them together are to have a place: what stands there another process may have written over.
  constexpr std::uint64_t kMaxCpu = kMaxTicks >> 10U;
  if (cpu != 0) return Nanoseconds(static_cast<std::int64_t>(std::min(cpu, kMaxCpu)));
  if (is_alive(static_cast<std::int64_t>(note.pid.read()))) return Nanoseconds{};
  return std::nullopt;
}

// Those that run: the child of a fork goes on with them. Their start and their end are the program's to order
// with its forks. Relaxed: nobody else looks.
constinit std::array<std::atomic<Recording*>, kMostProbes> running{};

void replace_running(Recording* present, Recording* next) noexcept {
  for (auto& place : running) {
    Recording* found = present;
    if (place.compare_exchange_strong(found, next, std::memory_order_relaxed)) return;
  }
}

}  // namespace

Recording::Recording(std::optional<SharedSpace> space, ProcessRole role,
                     const std::optional<CapturePlan>& capture, Stacks stacks, ProbeClock clock)
    : space_(std::move(space)), role_(role), capture_(capture), stacks_(stacks), clock_(clock) {
  std::byte* const slot = space_ ? space_->claim() : nullptr;
  if (slot == nullptr) {
    space_.reset();
    own_note_ = std::make_unique<ProcessNote>();
    note_ = own_note_.get();
    counters_.emplace(are_addresses_limited() ? kSharedBounds : Bounds{}, nullptr, note_);
  } else {
    note_ = reinterpret_cast<ProcessNote*>(slot);
    counters_.emplace(kSharedBounds, slot + sizeof(ProcessNote), note_);
  }
  if (stacks_ == Stacks::Every) counters_->take_every_hold();
  counters_->note_times(&note_->hooks);
  events_.note_times(&note_->hooks);
  counters_->note_steps(&note_->steps);
  events_.note_steps(&note_->steps);
  counters_->note_locks(&note_->locks);
  events_.note_locks(&note_->locks);
}

Recording::Recording(Reach reach, const std::optional<CapturePlan>& capture, Stacks stacks)
    : Recording(
          reach == Reach::WithChildren ? std::optional(SharedSpace::create(bytes_of_slot())) : std::nullopt,
          ProcessRole::First, capture, stacks, ProbeClock::best()) {
  if (space_) tell_common(*space_, {.capture = capture, .stacks = stacks, .clock = clock_.kind()});
}

std::unique_ptr<Recording> Recording::join(const std::string& path, ProcessRole role) {
  auto space = SharedSpace::open(path, bytes_of_slot());
  if (!space) return nullptr;
  const Told told = read_common(*space);
  const auto clock = ProbeClock::of(told.clock);
  if (!clock || lack_of_addresses()) {
    space->count_refused();
    return nullptr;
  }
  return std::unique_ptr<Recording>(new Recording(std::move(space), role, told.capture, told.stacks, *clock));
}

Recording::~Recording() { stop(); }

void Recording::start() {
  static const int error = pthread_atfork(nullptr, nullptr, begin_again_in_child);
  if (error != 0) throw Error("no memory to watch for forks", "free some memory");
  try {
    if (capture_) start_capture();
    if (capture_) {
      probe_.start(events_, stacks_, clock_);
    } else {
      probe_.start(*counters_, stacks_, clock_);
    }
  } catch (...) {
    events_.stop();
    if (space_) space_->count_refused();
    throw;
  }
  title_.begin();
  boot_began_ = read_boot_offset();
  throttled_before_ = read_throttled();
  if (space_ && role_ == ProcessRole::First) CommonNote::of(*space_).set_began(probe_.started());
  note_->begin(role_, probe_.started().ticks);
  note_->is_without_gil.set(has_gil() ? 0 : 1);
  note_->locks.is_watched = probe_.watches_locks() ? 1 : 0;
  counters_->with_names([this] {
    ThreadNote* const own = note_->find_or_add(calling_thread());
    if (own == nullptr) return;
    // It has worked before: Python's start alone takes more than a short script.
    own->begin(read_thread_cpu(calling_thread()), read_cpu_wait(calling_thread()));
    own->begin_ticks.set(probe_.started().ticks);
  });
  // Python's own name for it; `threading` may never be imported.
  if (gettid() == getpid()) name_thread(calling_thread(), "MainThread");
  fold_ended_processes();
  replace_running(nullptr, this);
}

void Recording::start_capture() {
  CommonNote* const common = space_ ? &CommonNote::of(*space_) : nullptr;
  events_.start({.folder = capture_->folder,
                 .clock = clock_,
                 .max_size = capture_->max_size,
                 .is_ring = capture_->keep.has_value(),
                 .start_method = std::string(start_method_of_role(role_)),
                 .start_method_of_forks = std::string(start_method_of_role(role_of_forks(role_))),
                 .counts = common != nullptr ? &common->counts : nullptr,
                 .triggers = common != nullptr ? &common->triggers : nullptr});
}

void Recording::pass_on(const std::string& entry, int file) {
  if (!space_) return;
  announce_start(CommonNote::of(*space_).started, entry, file);
  watch_starts();
}

void Recording::watch_starts() {
  if (space_) gilscope::watch_starts(CommonNote::of(*space_).started, *note_, clock_);
}

void Recording::stop() noexcept {
  const std::scoped_lock lock(reading_);
  if (!probe_.is_running()) return;
  probe_.stop();
  note_title(title_.read());
  events_.stop(probe_.stopped());
  replace_running(this, nullptr);
  counters_->with_names([this] { note_->name_natives(); });  // some were named after their first event
  boot_ended_ = read_boot_offset();
  throttled_after_ = read_throttled();
  note_->end(probe_.stopped().ticks);
}

void Recording::outlive() noexcept {
  probe_.stop();
  events_.abandon();
  replace_running(this, nullptr);
  outlives_ = true;
}

bool Recording::note_death() noexcept { return note_->end_of_other(probe_.clock().read()); }

void Recording::note_exec(bool is_near) noexcept {
  note_->exec_ticks.set(is_near ? probe_.clock().read() : 0);
}

TriggerBoard* Recording::triggers() noexcept { return space_ ? &CommonNote::of(*space_).triggers : nullptr; }

void Recording::note_command(const std::vector<std::string>& command) noexcept {
  if (space_) CommonNote::of(*space_).set_command(command);
}

void Recording::name_thread(ThreadId thread, std::string_view name) noexcept {
  note_title(title_.read_command_line());  // now and then: a process that is killed tells of it no more
  counters_->with_names([&] { note_->name_thread(thread, name, probe_.clock().read()); });
  if (events_.is_running()) events_.name_thread(thread, name);
}

void Recording::name_process(std::string_view name, NamedBy by) noexcept {
  if (note_->name_process(name, by) && events_.is_running()) events_.name_process(name);
}

void Recording::note_title(const ProcessTitle::Text& title) noexcept {
  if (title.front() != '\0' && title.data() != std::string_view(note_->name.data()))
    name_process(title.data(), NamedBy::Title);
}

void Recording::end_thread(ThreadId thread) noexcept {
  const auto cpu = read_thread_cpu(thread);
  const auto cpu_wait = read_cpu_wait(thread);
  counters_->with_names([&] {
    ThreadNote* const note = note_->find_or_add(thread);
    if (note == nullptr) return;
    note->end(cpu, cpu_wait);
    note->end_ticks.set(probe_.clock().read());
  });
}

void Recording::begin_again_in_child() noexcept {
  for (const auto& place : running) {
    Recording* const recording = place.load(std::memory_order_relaxed);
    if (recording != nullptr) recording->begin_again();
  }
}

// The child has one thread, and records nothing before its GIL was made anew. Who collected in its parent is
// not there.
void Recording::begin_again() noexcept {
  std::construct_at(&reading_);
  if (!takes_children_) events_.abandon();
  if (space_ && !takes_children_) {
    space_->leave();
  } else if (space_) {
    space_->claim_anew();
  } else {
    *note_ = {};
  }
  counters_->begin_anew();
  role_ = role_of_forks(role_);
  title_.begin();
  const auto begin = probe_.clock().read();
  note_->begin(role_, begin);
  note_->is_without_gil.set(has_gil() ? 0 : 1);
  note_->locks.is_watched = probe_.watches_locks() ? 1 : 0;
  note_->name_thread(calling_thread(), "MainThread", begin);
  if (fold_ended_processes()) note_->hooks.add_work(probe_.clock().read() - begin);
}

// By whoever comes, and has nothing else to do yet. Of a capture each process has a file of its own.
bool Recording::fold_ended_processes() noexcept {
  if (!space_ || capture_ || !space_->is_to_fold()) return false;
  ProcessFolder folder(CommonNote::of(*space_).kinds);
  space_->fold(folder);
  return true;
}

// `visit` is called with the memory of the process's counters, too (nullptr: its own), and says whether it
// could read it.
template <typename Visit>
Recording::Others Recording::for_each_process(Visit visit) const {
  Others others;
  visit(*note_, nullptr);
  if (!space_) return others;
  if (!space_->is_still_ours()) {
    others.unreadable = space_->refused() + std::max<std::uint64_t>(space_->claimed(), 1) - 1;
    others.cpu.reset();
    return others;
  }
  others.unreadable = space_->refused();
  const SharedSpace::Reading reading(*space_);
  for (std::uint64_t slot = 0; slot < space_->claimed(); ++slot) {
    if (slot == space_->slot() || !space_->counts(slot)) continue;
    const SharedSpace::View view(*space_, slot);
    if (view.data() == nullptr) {
      ++others.unreadable;
      others.cpu.reset();
      continue;
    }
    const auto& note = *reinterpret_cast<const ProcessNote*>(view.data());
    if (note.state.read() == 0) continue;
    others.joined.push_back({.pid = note.pid.read(), .begin = note.started_ticks.read()});
    const auto cpu = cpu_of_ended(note);
    others.cpu = cpu && others.cpu ? std::optional(*others.cpu + *cpu) : std::nullopt;
    if (!visit(note, view.data() + sizeof(ProcessNote))) ++others.unreadable;
  }
  return others;
}

// It knows of all programs that recorded processes start: where each has joined nothing is unseen. Else the
// system knows what all took that were waited for.
std::optional<double> Recording::find_unseen_share(const Others& others, bool are_all_recorded) const {
  if (!space_ || outlives_) return std::nullopt;
  if (are_all_recorded) return 0;
  rusage own{};
  rusage waited{};
  if (!others.cpu || getrusage(RUSAGE_SELF, &own) != 0 || getrusage(RUSAGE_CHILDREN, &waited) != 0) {
    return std::nullopt;
  }
  const auto children = cpu_of(waited);
  const auto all = cpu_of(own) + children;
  if (all <= Nanoseconds{}) return std::nullopt;
  const auto unseen = std::max(children - *others.cpu, Nanoseconds{});
  return static_cast<double>(unseen.count()) / static_cast<double>(all.count());
}

RecordingLosses Recording::losses(const Others& others) const {
  std::vector<UnrecordedProgram> programs;
  const StartedPrograms* const started = space_ ? &CommonNote::of(*space_).started : nullptr;
  if (started != nullptr) programs = find_unrecorded(*started, others.joined);
  const bool are_all_recorded = programs.empty() && others.unreadable == 0 && takes_children_ &&
                                started != nullptr && started->entry.front() != '\0' &&
                                started->others.read() == 0;
  return {.unrecorded_processes = others.unreadable,
          .overlooked_gils = probe_.losses().overlooked_gils,
          .were_slots_overwritten = probe_.losses().were_slots_overwritten,
          .are_stacks_unreadable = stacks_ != Stacks::Off && probe_.stacks() == Stacks::Off,
          .suspended = suspended_between(boot_began_, is_open() ? read_boot_offset() : boot_ended_),
          .throttled =
              std::max((is_open() ? read_throttled() : throttled_after_) - throttled_before_, Nanoseconds{}),
          .unrecorded_programs = std::move(programs),
          .unseen_cpu_share = find_unseen_share(others, are_all_recorded)};
}

TickLength Recording::measure_tick(const ClockPoint& now) noexcept {
  const double ns = TickConversion(probe_.started(), now).tick_ns();
  const auto elapsed = static_cast<double>((now.time - probe_.started().time).count());
  const bool is_exact = !probe_.is_running() || probe_.clock().kind() == ClockKind::Monotonic;
  const double least = is_exact ? ns : ns * (1 - std::min(1.0, kClockErrorNs / elapsed));
  least_tick_ns_ = std::max(least_tick_ns_, least);
  return {least_tick_ns_};
}

RecordedRun Recording::collect() {
  const std::scoped_lock lock(reading_);
  const auto begin = ProbeClock::read_monotonic();
  fold_ended_processes();
  const ClockPoint now = this->now();
  // A thread may have read the clock for a hold that ended before, and not told of it yet.
  if (probe_.is_running()) probe_.settle();
  const TickLength tick = measure_tick(now);
  RecordedRun run{.has_gil = has_gil(), .clock = probe_.clock().kind()};
  const auto others = for_each_process([&](const ProcessNote& note, std::byte* counted) {
    const bool is_own = &note == note_;
    const auto until = is_own ? now.ticks : probe_.clock().read();  // before its counters are looked at
    const auto whose = outlives_ ? BlameCounters::View::Of::AnotherOne : BlameCounters::View::Of::ThisProcess;
    auto record = is_own ? read_process(note, counters_->view(whose), tick, until)
                         : read_process(note, BlameCounters::View(kSharedBounds, counted), tick, until);
    if (!record) return false;
    if (!has_gil()) record->blame.reset();
    if (const auto id = running_id(note); id && !is_own) run.running.push_back(*id);
    // GILs go on meanwhile: the holds of one sum to at most the wall time that ends after they were read.
    if (is_own && probe_.is_running()) {
      record->wall = tick.of(probe_.clock().read() - note.started_ticks.read());
    }
    if (is_own || !record->figures.threads.empty() || !has_gil()) run.processes.push_back(std::move(*record));
    return true;
  });
  run.losses = losses(others);
  if (probe_.is_running()) readings_ += ProbeClock::read_monotonic() - begin;
  run.readings = readings_;
  return run;
}

RunNotes Recording::notes() const {
  const auto now = this->now().ticks;
  RunNotes notes{.has_gil = has_gil()};
  const auto others = for_each_process([&](const ProcessNote& note, std::byte* /*counted*/) {
    auto read = read_note(note, now);
    if (const auto id = running_id(note); id && read && &note != note_) notes.running.push_back(*id);
    if (read) notes.processes.push_back(std::move(*read));
    return read.has_value();
  });
  notes.losses = losses(others);
  return notes;
}

}  // namespace gilscope
