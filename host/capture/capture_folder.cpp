#include "capture/capture_folder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "capture/format.h"
#include "capture/json_file.h"
#include "capture/size_budget.h"
#include "capture/stream_reader.h"
#include "support/error.h"
#include "support/log.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

constexpr std::string_view kHintOtherFolder = "name a folder that is not there yet";

bool is_events_file(const std::filesystem::path& file) {
  return file.filename().string().ends_with(kEventsSuffix);
}

// Of a process that still writes to it, or was killed.
bool is_open_file(const std::filesystem::path& file) {
  return (file.extension() == kPartSuffix || file.extension() == kLiveSuffix) && is_events_file(file.stem());
}

std::filesystem::path with_suffix(std::filesystem::path file, std::string_view suffix) {
  return file += suffix;
}

// Of an empty file: its process was killed before it had written the header.
bool was_never_begun(const std::filesystem::path& file) {
  std::error_code error;
  return exists(with_suffix(file, kPartSuffix), error) && !exists(with_suffix(file, kLiveSuffix), error);
}

bool is_plain_file(const std::filesystem::directory_entry& entry) {
  return entry.symlink_status().type() == std::filesystem::file_type::regular;
}

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what, int error) {
  throw Error(fmt::format("{} {}: {}", path.string(), what, std::strerror(error)),
              "name a folder of yours on a disk with space");
}

std::string describe(const CaptureMetadata& metadata) {
  nlohmann::ordered_json json{{"schema", kCaptureSchema},
                              {"gilscope", metadata.gilscope},
                              {"command", metadata.command},
                              {"python", metadata.python},
                              {"machine", metadata.machine}};
  if (const auto& dump = metadata.dump) {
    json["dump"] = {{"made_at", dump->made_at},   {"reason", dump->reason},
                    {"pid", dump->pid},           {"thread", dump->thread},
                    {"ns", dump->length.count()}, {"over_since_ns", dump->over_since.count()},
                    {"further", dump->further}};
  }
  return json_file_text(json);
}

std::optional<DumpNote> read_dump_note(const nlohmann::json& json) {
  if (!json.contains("dump")) return std::nullopt;
  const auto& dump = json["dump"];
  return DumpNote{.made_at = dump.at("made_at").get<std::string>(),
                  .reason = dump.at("reason").get<std::string>(),
                  .pid = dump.at("pid").get<std::int64_t>(),
                  .thread = dump.at("thread").get<std::uint32_t>(),
                  .length = Nanoseconds(dump.at("ns").get<std::int64_t>()),
                  .over_since = Nanoseconds(dump.at("over_since_ns").get<std::int64_t>()),
                  .further = dump.at("further").get<std::uint64_t>()};
}

// Nothing where the file is not there: it is not needed to read the others.
std::uint64_t read_unfiled_drops(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return 0;
  const BlockFile source(file);
  std::array<std::uint64_t, 2> counts{};
  source.read(counts.data(), sizeof counts, 0, "two counts of 8 bytes");
  if (source.size() != sizeof counts) source.reject(sizeof counts, "the end of the counts");
  return counts[1];
}

CaptureMetadata read_metadata(const std::filesystem::path& folder) {
  const auto file = folder / kMetadataFile;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    throw Error(fmt::format("{} is no capture: it has no {}", folder.string(), kMetadataFile),
                "name a folder that gilscope recorded into");
  }
  const nlohmann::json json = read_json(file);
  if (!json.is_object() || !json.contains("schema") || json["schema"] != kCaptureSchema) {
    reject_json(file, fmt::format("the schema {}", kCaptureSchema));
  }
  try {
    return {.gilscope = json.at("gilscope").get<std::string>(),
            .command = json.at("command").get<std::vector<std::string>>(),
            .python = json.at("python"),
            .machine = json.at("machine"),
            .dump = read_dump_note(json)};
  } catch (const nlohmann::json::exception&) {
    reject_json(file, "the fields gilscope, command, python and machine, and all of a dump's");
  }
}

// The files to delete for a new capture in its place.
std::vector<std::filesystem::path> list_old_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  bool is_capture = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = entry.path().filename();
    const bool is_ours = name == kMetadataFile || name == kSizeFile || name == kNotesFile ||
                         is_events_file(name) || is_open_file(name);
    if (!is_ours || !is_plain_file(entry)) {
      throw Error(
          fmt::format("{} has {} in it, which is no part of a capture", folder.string(), name.string()),
          std::string(kHintOtherFolder), ExitCode::Usage);
    }
    is_capture = is_capture || name == kMetadataFile;
    files.push_back(entry.path());
  }
  if (!files.empty()) {
    if (!is_capture) {
      throw Error(fmt::format("{} is no capture: it has no {}", folder.string(), kMetadataFile),
                  std::string(kHintOtherFolder), ExitCode::Usage);
    }
    static_cast<void>(read_metadata(folder));  // says so where the file of that name is somebody else's
  }
  // The one that makes it a capture last: what is cut off in between can be overwritten again.
  std::ranges::partition(files, [](const auto& file) { return file.filename() != kMetadataFile; });
  return files;
}

void make_room(const std::filesystem::path& folder, Existing existing) {
  std::error_code error;
  const auto status = std::filesystem::status(folder, error);
  if (!std::filesystem::exists(status)) return;
  if (!std::filesystem::is_directory(status)) {
    throw Error(fmt::format("{} exists already, and is no folder", folder.string()),
                std::string(kHintOtherFolder), ExitCode::Usage);
  }
  if (existing == Existing::Keep) {
    throw Error(fmt::format("{} exists already", folder.string()), "--force overwrites it", ExitCode::Usage);
  }
  // Deleted, never cut short: a process that still records there has the old files mapped.
  for (const auto& file : list_old_files(folder)) {
    if (unlink(file.c_str()) != 0 && errno != ENOENT) fail(file, "cannot be deleted", errno);
  }
}

}  // namespace

void create_capture(const std::filesystem::path& folder, const CaptureMetadata& metadata, Existing existing) {
  try {
    make_room(folder, existing);
  } catch (const std::filesystem::filesystem_error& error) {
    fail(folder, "cannot be read", error.code().value());
  }
  const std::string text = describe(metadata);
  if (mkdir(folder.c_str(), 0777) != 0 && (errno != EEXIST || existing == Existing::Keep)) {
    fail(folder, "cannot be made", errno);
  }
  try {
    OutputFile file(folder / kMetadataFile, Existing::Keep);
    if (const int error = SizeBudget::create(folder, text.size()); error != 0) {
      fail(folder / kSizeFile, "cannot be written", error);
    }
    file.write(text);
  } catch (const Error&) {
    unlink((folder / kSizeFile).c_str());
    rmdir(folder.c_str());  // which leaves it where somebody put something in it
    throw;
  }
}

void remove_capture(const std::filesystem::path& folder) noexcept {
  try {
    for (const auto& file : list_old_files(folder)) unlink(file.c_str());
    rmdir(folder.c_str());
  } catch (const std::exception& error) {
    log_debug("{} stays: {}", folder.native(), error.what());
  }
}

std::optional<std::int64_t> process_of(const std::filesystem::path& file) {
  const auto name = file.filename().string();
  const bool is_events =
      is_events_file(file) || (file.extension() == kLiveSuffix && is_events_file(file.stem()));
  const auto pid = parse_unsigned(std::string_view(name).substr(0, name.find('-')));
  return is_events && pid ? std::optional(static_cast<std::int64_t>(*pid)) : std::nullopt;
}

void settle_capture(const std::filesystem::path& folder) noexcept {
  try {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const auto& live = entry.path();
      if (live.extension() != kLiveSuffix || !is_plain_file(entry)) continue;
      const auto pid = process_of(live);
      // Of this process it is that of the program which it was before an exec.
      if (pid && (*pid == getpid() || !is_alive(*pid))) rename(live, live.parent_path() / live.stem());
    }
  } catch (const std::exception& error) {
    log_debug("{} is as its processes left it: {}", folder.native(), error.what());
  }
}

Capture read_capture(const std::filesystem::path& folder) {
  Capture capture{.metadata = read_metadata(folder)};
  try {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::error_code gone;  // it may have been renamed just now
      const auto size = entry.file_size(gone);
      if (!gone) capture.bytes += size;
      if (!is_events_file(entry.path()) || (size == 0 && was_never_begun(entry.path()))) continue;
      capture.processes.push_back(entry.path());
    }
    capture.unfiled_drops = read_unfiled_drops(folder / kSizeFile);
    capture.notes = read_run_notes(folder);
  } catch (const std::filesystem::filesystem_error& failure) {
    fail(folder, "cannot be read", failure.code().value());
  }
  std::ranges::sort(capture.processes);
  return capture;
}

Capture read_capture(const std::filesystem::path& folder, RunNotes notes) {
  Capture capture = read_capture(folder);
  capture.notes = std::move(notes);
  return capture;
}

}  // namespace gilscope
