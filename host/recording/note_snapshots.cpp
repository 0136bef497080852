#include "recording/note_snapshots.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <system_error>

#include "support/error.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMost = 64;

}  // namespace

NoteSnapshots::NoteSnapshots(const fs::path& rings) : folder_(rings.parent_path() / "notes") {
  std::error_code error;
  for (fs::directory_iterator files(folder_, error), end; !error && files != end; files.increment(error)) {
    if (const auto time = parse_unsigned(files->path().filename().string())) times_.push_back(*time);
  }
  std::ranges::sort(times_);
}

fs::path NoteSnapshots::path_of(std::uint64_t time) const { return folder_ / std::to_string(time); }

RunNotes NoteSnapshots::read(std::uint64_t time) const {
  auto notes = read_run_notes(path_of(time));
  if (!notes) throw Error(path_of(time).string() + " is gone", "try again");
  return *std::move(notes);
}

// Under another name until it is whole: others read.
void NoteSnapshots::add(std::uint64_t time, const RunNotes& notes) {
  const fs::path part = folder_ / "part";
  std::error_code error;
  fs::create_directories(part, error);
  write_run_notes(part, notes);
  fs::rename(part, path_of(time), error);
  if (!error) times_.push_back(time);
  if (times_.size() <= kMost) return;
  // The older they are the fewer: what they tell of may be there for long.
  for (std::size_t i = kMost / 2; i > 1; i -= 2) drop(i - 1);
}

void NoteSnapshots::drop(std::size_t index) {
  std::error_code gone;
  fs::remove_all(path_of(times_[index]), gone);
  times_.erase(times_.begin() + static_cast<std::ptrdiff_t>(index));
}

void NoteSnapshots::drop_before(std::uint64_t time) {
  while (times_.size() > 1 && times_[1] <= time) drop(0);
}

std::optional<std::uint64_t> NoteSnapshots::find_begin(std::uint64_t wanted, std::uint64_t lost,
                                                       std::uint64_t happened) const {
  const auto earliest = std::max(wanted, lost);
  const auto latest = earliest + (happened - std::min(happened, earliest)) / 4;
  std::optional<std::uint64_t> begin;
  for (const auto time : times_) {
    if (time < lost || (begin && time > wanted) || time > latest) continue;
    begin = time;
  }
  return begin;
}

}  // namespace gilscope
