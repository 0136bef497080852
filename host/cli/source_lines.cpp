#include "cli/source_lines.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "analysis/user_code.h"
#include "report/blame_text.h"
#include "report/text.h"
#include "support/system_files.h"

namespace gilscope::cli {
namespace {

constexpr std::uintmax_t kMaxFileSize = 4U << 20U;
constexpr std::size_t kMaxLines = 3'000;
constexpr std::size_t kMaxColumns = 160;

constexpr std::string_view kExtension = ".py";

using Places = std::map<std::string, std::set<std::uint32_t>>;

Places find_places(const RunSummary& summary) {
  Places places;
  const auto add = [&](const CodePlace& place) {
    if (place.line > 0 && place.file.ends_with(kExtension)) places[place.file].insert(place.line);
  };
  for (const auto& process : summary.processes) {
    for (const auto& row : process.lock_waits) {
      if (row.place && !row.is_for_work) add(*row.place);
    }
    for (const auto& row : process.stops) {
      if (row.place) add(*row.place);
    }
    if (!process.blame) continue;
    for (const auto& row : *process.blame) {
      if (row.from) add(*row.from);
      std::ranges::for_each(row.stack, add);
    }
  }
  return places;
}

bool lies_in(const std::filesystem::path& file, const std::filesystem::path& folder) {
  return std::ranges::mismatch(folder, file).in1 == folder.end();
}

// The file that has the lines, by its own name; nothing where it is none whose lines may be shown.
std::optional<std::filesystem::path> find_file(const std::string& name, const SourceScope& scope) {
  std::error_code error;
  auto file = std::filesystem::canonical(scope.base / name, error);
  if (error || file.extension() != kExtension) return std::nullopt;
  if (scope.of == SourceScope::Of::All) return file;
  const bool is_own =
      std::ranges::any_of(scope.folders, [&](const auto& folder) { return lies_in(file, folder); });
  if (!is_own || is_library_file(name) || is_library_file(file.string())) return std::nullopt;
  return file;
}

bool is_as_it_was(const std::filesystem::path& file, std::filesystem::file_time_type run) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error) || error) return false;
  const auto size = std::filesystem::file_size(file, error);
  if (error || size > kMaxFileSize) return false;
  const auto changed = std::filesystem::last_write_time(file, error);
  return !error && changed <= run;
}

std::string tidy(std::string line) {
  std::ranges::replace(line, '\t', ' ');
  return shorten(replace_controls(std::string(trim(line))), kMaxColumns);
}

}  // namespace

SourceLines read_source_lines(const RunSummary& summary, std::filesystem::file_time_type run,
                              const SourceScope& scope) {
  SourceLines sources;
  std::size_t count = 0;
  for (const auto& [name, numbers] : find_places(summary)) {
    const auto file = find_file(name, scope);
    if (!file || !is_as_it_was(*file, run)) continue;
    std::ifstream stream(*file);
    std::uint32_t number = 0;
    for (std::string line; number < *numbers.rbegin() && std::getline(stream, line);) {
      if (!numbers.contains(++number)) continue;
      if (count++ == kMaxLines) return sources;
      sources[name][number] = tidy(line);
    }
  }
  return sources;
}

}  // namespace gilscope::cli
