#include "recording/live_run.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <new>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "recording/live_copy.h"
#include "recording/note_reading.h"
#include "support/error.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMemory = "/memfd:gilscope (deleted)";
constexpr std::string_view kWitness = "gilscope-witnes";  // as the kernel cuts names

// Whether there is any, and one that this gilscope can read: the first, which is the oldest. Its name is
// nobody's property: see SharedSpace::look().
struct FoundMemory {
  bool is_there = false;
  std::optional<SharedSpace> space;

  void look_at(const fs::path& file) {
    is_there = true;
    if (space) return;
    if (auto found = SharedSpace::look(file, bytes_of_slot())) space.emplace(std::move(*found));
  }
};

void find_in_descriptors(const fs::path& process, std::optional<ino_t> inode, FoundMemory& memory) {
  std::error_code error;
  for (fs::directory_iterator files(process / "fd", error), end; !error && files != end;
       files.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(files->path(), gone).native() != kMemory) continue;
    struct stat status{};
    if (inode && (stat(files->path().c_str(), &status) != 0 || status.st_ino != *inode)) continue;
    memory.look_at(files->path());
  }
}

// The witness of a run is no child of it, and keeps its descriptors to itself.
void find_in_witnesses(ino_t inode, FoundMemory& memory) {
  std::error_code error;
  for (fs::directory_iterator all("/proc", error), end; !error && all != end; all.increment(error)) {
    const auto name = read_text(all->path() / "comm").value_or("");
    if (trim(name) == kWitness) find_in_descriptors(all->path(), inode, memory);
  }
}

// The program may have closed all descriptors that it does not know: then the memory is still mapped, and the
// witness of the run has it open. Who may do more opens the mapping itself.
void find_in_mappings(const fs::path& process, FoundMemory& memory) {
  const auto maps = read_text(process / "maps").value_or("");
  for (const auto line : split(maps, '\n')) {
    if (memory.space || !line.ends_with(kMemory)) continue;
    memory.is_there = true;
    const auto fields = split(line, ' ');
    const auto inode = fields.size() > 4 ? parse_unsigned(fields[4]) : std::nullopt;
    if (!inode) continue;
    memory.look_at(process / "map_files" / fields[0]);
    if (!memory.space) find_in_witnesses(*inode, memory);
  }
}

// Its ids are those that the recording has.
bool is_in_our_namespace(const fs::path& process) {
  std::error_code error;
  const auto theirs = fs::read_symlink(process / "ns/pid", error);
  return !error && theirs == fs::read_symlink("/proc/self/ns/pid", error);
}

// A thread is known by its number as well.
std::int64_t process_of_thread(std::int64_t id) {
  const auto status = read_text(fmt::format("/proc/{}/status", id)).value_or("");
  const auto process = parse_unsigned(find_value(status, "Tgid").value_or(""));
  return process ? static_cast<std::int64_t>(*process) : id;
}

// The system may show nobody the processes of others (hidepid).
bool is_hidden(std::int64_t pid) {
  return !read_stat(pid) && kill(static_cast<pid_t>(pid), 0) != 0 && errno == EPERM;
}

// Of no more than the notes of a process: the rest of its slot is not looked at.
class NoteCopy {
 public:
  NoteCopy(const SharedSpace& space, std::uint64_t slot) : memory_(sizeof(ProcessNote)) {
    copy_written(space, slot, sizeof(ProcessNote), memory_.data());
  }
  [[nodiscard]] const ProcessNote& note() const noexcept {
    return *reinterpret_cast<const ProcessNote*>(memory_.data());
  }

 private:
  ZeroedMemory memory_;
};

Error not_recorded(std::int64_t pid) {
  return {fmt::format("process {} is not recorded", pid), "start the program with gilscope run"};
}

}  // namespace

LiveRun LiveRun::find(std::int64_t pid) {
  pid = process_of_thread(pid);
  const fs::path process = fmt::format("/proc/{}", pid);
  std::error_code error;
  const fs::directory_iterator files(process / "fd", error);
  const bool is_there = is_alive(pid);
  if (is_hidden(pid) || (is_there && error == std::errc::permission_denied)) {
    throw Error(fmt::format("process {} is another user's, or lets nobody look at it", pid),
                "ask as its user, or as root");
  }
  if (!is_there || error) {
    throw Error(fmt::format("there is no process {}, and no capture of that name", pid),
                "gilscope report DIR, or the number of a process that goes on");
  }
  if (!is_in_our_namespace(process)) {
    throw Error(fmt::format("process {} lives in a PID namespace of its own, as in a container", pid),
                "run gilscope report in there, with the number that it has there");
  }
  FoundMemory memory;
  find_in_descriptors(process, std::nullopt, memory);
  if (!memory.space) find_in_mappings(process, memory);
  if (!memory.is_there) throw not_recorded(pid);
  if (!memory.space) {
    throw Error(
        fmt::format("what records process {} cannot be opened, or is of another version of gilscope", pid),
        "ask with the gilscope that runs it, as root where the program has closed its descriptors");
  }
  LiveRun run(std::move(*memory.space));
  if (!run.records(pid)) throw not_recorded(pid);
  return run;
}

std::optional<LiveRun> LiveRun::at(int file) {
  auto space = SharedSpace::look(fmt::format("/proc/self/fd/{}", file), bytes_of_slot());
  return space ? std::optional<LiveRun>(std::move(*space)) : std::nullopt;
}

LiveRun::LiveRun(SharedSpace space)
    : space_(std::move(space)), told_(read_common(space_)), clock_(ProbeClock::best()) {
  const auto clock = ProbeClock::of(told_.clock);
  const auto began = CommonNote::of(space_).began();
  if (!began) throw Error("the recording of that process has not begun yet", "ask again");
  if (!clock) {
    throw Error("that run is timed by a clock that this process may not read", "ask from another shell");
  }
  clock_ = *clock;
  began_ = *began;
}

bool LiveRun::records(std::int64_t pid) const {
  for (std::uint64_t slot = 0; slot < space_.claimed(); ++slot) {
    if (!space_.counts(slot)) continue;
    const NoteCopy copy(space_, slot);
    const ProcessNote& note = copy.note();
    if (note.state.read() != 0 && note.pid.read() == static_cast<std::uint64_t>(pid)) return true;
  }
  return false;
}

// Nobody is to fold meanwhile: what is in two sums would be counted twice. Where somebody was stopped in the
// middle, or processes come and go faster than they are read, what was read last is as good as it gets.
template <typename Read>
auto LiveRun::read_settled_slots(Read read) const {
  constexpr auto kPause = std::chrono::milliseconds(1);
  constexpr auto kPatience = std::chrono::seconds(1);
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    const auto version = space_.version();
    auto result = read();
    const bool is_settled = version % 2 == 0 && space_.version() == version;
    if (is_settled || std::chrono::steady_clock::now() - begin > kPatience) return result;
    std::this_thread::sleep_for(kPause);
  }
}

// `visit` is called with the number of each slot that counts, and with the list that its process is to be put
// into; it says whether it could be read.
template <typename Visit>
RecordingLosses LiveRun::for_each_slot(Visit visit) const {
  RecordingLosses losses{.unrecorded_processes = space_.refused()};
  std::vector<JoinedProcess> joined;
  for (std::uint64_t slot = 0; slot < space_.claimed(); ++slot) {
    if (!space_.counts(slot)) continue;
    try {
      if (!visit(slot, joined)) ++losses.unrecorded_processes;
    } catch (const std::bad_alloc&) {  // there are no addresses for it
      ++losses.unrecorded_processes;
    }
  }
  losses.unrecorded_programs = find_unrecorded(CommonNote::of(space_).started, joined);
  return losses;
}

RecordedRun LiveRun::collect() const {
  return read_settled_slots([this] {
    RecordedRun run{.clock = told_.clock};
    const TickLength tick{TickConversion(began_, clock_.sample()).tick_ns()};
    run.losses = for_each_slot([&](std::uint64_t slot, std::vector<JoinedProcess>& joined) {
      LiveCopy copy(space_, slot);
      const ProcessNote& note = copy.note();
      if (note.state.read() == 0) return true;
      joined.push_back({.pid = note.pid.read(), .begin = note.started_ticks.read()});
      const auto counted = copy.view();
      auto record = read_process(note, counted, tick, clock_.read());
      if (!record) return false;
      if (const auto id = running_id(note)) run.running.push_back(*id);
      if (slot == 0) run.has_gil = note.is_without_gil.read() == 0;
      if (slot == 0 || !record->figures.threads.empty() || !run.has_gil)
        run.processes.push_back(std::move(*record));
      return true;
    });
    return run;
  });
}

RunNotes LiveRun::notes() const {
  const auto now = clock_.read();
  RunNotes notes;
  notes.losses = for_each_slot([&](std::uint64_t slot, std::vector<JoinedProcess>& joined) {
    const NoteCopy copy(space_, slot);
    const ProcessNote& note = copy.note();
    if (note.state.read() == 0) return true;
    joined.push_back({.pid = note.pid.read(), .begin = note.started_ticks.read()});
    auto read = read_note(note, now);
    if (!read) return false;
    if (slot == 0) notes.has_gil = note.is_without_gil.read() == 0;
    if (const auto id = running_id(note)) notes.running.push_back(*id);
    notes.processes.push_back(std::move(*read));
    return true;
  });
  return notes;
}

}  // namespace gilscope
