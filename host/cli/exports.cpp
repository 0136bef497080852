#include "cli/exports.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include "report/chrome_trace.h"
#include "report/stack_exports.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

std::string name_of(const CapturedProcess& process, const Capture& capture) {
  const auto& method = process.facts.start_method;
  return method.empty() ? fmt::format("{}", fmt::join(capture.metadata.command, " ")) : method;
}

HoldBlame describe_blame(const BlamedHold& hold, const CodeStacks& stacks, TickLength tick) {
  const auto innermost = [&](std::optional<StackId> stack) {
    return stack ? std::optional(stacks.place(stacks.stack(*stack).front())) : std::nullopt;
  };
  HoldBlame blame{.from = innermost(hold.span.from), .to = innermost(hold.span.to)};
  for (const auto& [thread, ticks] : hold.waits) blame.waits.push_back({thread, tick.of(ticks)});
  return blame;
}

void trace_process(const CapturedRun& run, const CapturedProcess& process, ChromeTrace& trace) {
  const std::int64_t pid = process.facts.pid;
  trace.name_process(pid, name_of(process, run.capture()));
  const TickLength tick{run.clock().tick_ns()};
  const CaptureNames names = run.read_blamed_intervals(process, [&](const BlamedInterval& row) {
    std::optional<HoldBlame> blame;
    if (row.blame != nullptr) blame = describe_blame(*row.blame, row.stacks, tick);
    const auto& interval = row.interval;
    trace.add(pid, interval, run.clock().to_time(interval.begin), run.clock().to_time(interval.end),
              blame ? &*blame : nullptr);
  });
  for (const auto& thread : merge_threads(process, names)) {
    if (!thread.name.empty()) trace.name_thread(pid, thread.id, thread.name);
  }
}

void write_trace(const CapturedRun& run, const RecordedRun& /*recorded*/, const TextSink& sink) {
  ChromeTrace trace(sink);
  for (const auto& process : run.processes()) trace_process(run, process, trace);
  trace.finish(run.capture().metadata.command);
}

struct Export {
  const char* option;
  const char* help;
  const char* what;
  std::string ExportFiles::* file;
  void (*write)(const CapturedRun&, const RecordedRun&, const TextSink&);
};

constexpr std::array kExports{
    Export{"--trace", "Write a time line of holds and waits (Chrome trace events, for Perfetto)", "trace",
           &ExportFiles::trace, write_trace},
    Export{"--flamegraph",
           "Write the stacks that made others wait, by ns of it (collapsed, for flamegraph.pl)",
           "flame graph", &ExportFiles::flamegraph,
           [](const CapturedRun&, const RecordedRun& recorded, const TextSink& sink) {
             write_flamegraph(recorded, sink);
           }},
    Export{"--speedscope", "The same, for https://www.speedscope.app", "speedscope profile",
           &ExportFiles::speedscope,
           [](const CapturedRun& run, const RecordedRun& recorded, const TextSink& sink) {
             write_speedscope(recorded, fmt::format("{}", fmt::join(run.capture().metadata.command, " ")),
                              sink);
           }},
};

}  // namespace

std::vector<std::pair<std::string, std::string>> list_exports(const ExportFiles& files) {
  std::vector<std::pair<std::string, std::string>> list;
  for (const auto& kind : kExports) {
    if (const auto& file = files.*kind.file; !file.empty()) list.emplace_back(kind.option, file);
  }
  return list;
}

bool is_printed(const ExportFiles& files) {
  return std::ranges::any_of(list_exports(files), [](const auto& file) { return file.second == "-"; });
}

void add_exports(CLI::App& command, ExportFiles& files) {
  for (const auto& kind : kExports) {
    command.add_option(kind.option, files.*kind.file, kind.help)
        ->check([](const std::string& name) { return name.empty() ? "the file's name is empty" : ""; })
        ->type_name("FILE");
  }
}

void check_names(std::string_view command, const ExportFiles& files, const CommonOptions& options) {
  auto list = list_exports(files);
  if (!options.json.empty()) list.emplace(list.begin(), "--json", options.json);
  for (auto first = list.begin(); first != list.end(); ++first) {
    const auto second =
        std::find_if(first + 1, list.end(), [&](const auto& other) { return other.second == first->second; });
    if (second == list.end()) continue;
    throw Error(fmt::format("{}: {} and {} name one file", command, first->first, second->first), "name two",
                ExitCode::Usage);
  }
}

void settle(ExportFiles& files, const std::string& capture, Existing existing) {
  for (const auto& kind : kExports) {
    auto& file = files.*kind.file;
    if (file.empty() || file == "-") continue;
    file = std::filesystem::absolute(file).string();
    if (std::filesystem::path(file).parent_path() == capture) {
      throw Error(fmt::format("the {} cannot lie in the capture", kind.what), "name a file elsewhere",
                  ExitCode::Usage);
    }
    check_output(file, existing);
  }
}

ExportWriter::ExportWriter(const ExportFiles& files, Existing existing) {
  for (std::size_t i = 0; i < kExports.size(); ++i) {
    const auto& file = files.*kExports[i].file;
    if (!file.empty()) files_.emplace_back(i, std::make_unique<OutputFile>(file, existing));
  }
}

void ExportWriter::write(const CapturedRun& run, const RecordedRun& recorded) {
  std::optional<Error> failure;
  for (auto& [kind, file] : files_) {
    try {
      kExports[kind].write(run, recorded, [&](std::string_view part) { file->append(part); });
      file->commit();
    } catch (const Error& error) {
      if (!failure) failure = error;
    }
  }
  if (failure) throw Error(*failure);
}

}  // namespace gilscope::cli
