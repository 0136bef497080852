#include "cli/exports.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>

#include "analysis/held_work.h"
#include "analysis/user_code.h"
#include "cli/html_page.h"
#include "report/chrome_trace.h"
#include "report/firefox_profile.h"
#include "report/stack_exports.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

std::optional<CodePlace> find_innermost(std::optional<StackId> stack, const CodeStacks& stacks) {
  if (!stack) return std::nullopt;
  for (const auto place : stacks.stack(*stack)) {
    if (!work_of(stacks.place(place))) return stacks.place(place);
  }
  return std::nullopt;
}

// The line to look at of a stack.
std::optional<CodePlace> find_user_place(std::optional<StackId> stack, const CodeStacks& stacks) {
  if (!stack) return std::nullopt;
  const auto places = stacks.places_of(*stack);
  return place_to_look_at(places.front(), places);
}

HoldBlame describe_blame(const BlamedHold& hold, const CodeStacks& stacks, TickLength tick) {
  HoldBlame blame{.from = find_innermost(hold.span.from, stacks), .to = find_innermost(hold.span.to, stacks)};
  for (const auto& [thread, ticks] : hold.waits) blame.waits.push_back({thread, tick.of(ticks)});
  return blame;
}

void trace_process(const CapturedRun& run, const CapturedProcess& process, ChromeTrace& trace) {
  const std::int64_t pid = process.facts.pid;
  const TickLength tick{run.clock().tick_ns()};
  const CaptureNames names = run.read_blamed_intervals(process, [&](const BlamedInterval& row) {
    std::optional<HoldBlame> blame;
    if (row.blame != nullptr) blame = describe_blame(*row.blame, row.stacks, tick);
    const auto& interval = row.interval;
    const auto begin = run.clock().to_time(interval.begin);
    const auto end = run.clock().to_time(interval.end);
    if (row.waited != nullptr) {
      trace.add_lock_wait(
          pid, interval, begin, end,
          {.at = find_user_place(row.waited->stands, row.stacks), .ended_by = row.waited->ender});
    } else {
      trace.add(pid, interval, begin, end, blame ? &*blame : nullptr);
    }
  });
  trace.name_process(pid, title_of(process, names, run.capture()));
  for (const auto& thread : merge_threads(process, names)) {
    if (!thread.name.empty()) trace.name_thread(pid, thread.id, thread.name);
  }
}

void write_trace(const CapturedRun& run, const TextSink& sink) {
  const auto& notes = run.capture().notes;
  ChromeTrace trace(sink, notes && !notes->has_gil ? "locks" : "GIL");
  for (const auto& process : run.processes()) trace_process(run, process, trace);
  trace.finish(run.capture().metadata.command);
}

double find_epoch_ms(const CapturedRun& run) {
  const auto began = run.began_at();
  if (!began) return 0;
  const auto since_epoch = std::chrono::file_clock::to_sys(*began).time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
}

void add_process(const CapturedRun& run, const CapturedProcess& process, const std::string& pid,
                 Nanoseconds origin, FirefoxProfile& profile) {
  const auto time_of = [&](std::uint64_t ticks) {
    return std::max(run.clock().to_time(ticks) - origin, Nanoseconds::zero());
  };
  const TickLength tick{run.clock().tick_ns()};
  IntervalSpool spool;
  const CaptureNames names = run.read_blamed_intervals(process, [&](const BlamedInterval& row) {
    SpooledInterval interval{.begin = time_of(row.interval.begin),
                             .end = time_of(row.interval.end),
                             .gil = row.interval.gil,
                             .kind = row.interval.kind,
                             .is_forced = row.interval.is_forced};
    if (row.blame != nullptr) {
      interval.from = row.blame->span.from;
      interval.to = row.blame->span.to;
      for (const auto& [thread, ticks] : row.blame->waits) {
        interval.caused_wait = add(interval.caused_wait, tick.of(ticks));
      }
    }
    if (row.waited != nullptr) interval.from = row.waited->stands;
    spool.add(row.interval.thread, interval);
  });
  std::map<ThreadId, std::string> known;
  for (const auto& thread : merge_threads(process, names)) known[thread.id] = thread.name;
  const FirefoxProcess of{.pid = pid,
                          .name = title_of(process, names, run.capture()),
                          .begin = time_of(process.facts.begin.ticks)};
  for (const auto thread : spool.threads()) {
    profile.add(of,
                {.id = thread,
                 .name = describe_thread(thread, known[thread]),
                 .is_main = static_cast<std::uint32_t>(thread) == process.facts.pid},
                spool, names.stacks);
  }
}

void write_firefox(const CapturedRun& run, const TextSink& sink) {
  // All times of the profile count from there.
  const auto origin = run.processes().empty() ? Nanoseconds{} : run.clock().to_time(run.origin());
  FirefoxProfile profile(sink, fmt::format("{}", fmt::join(run.capture().metadata.command, " ")),
                         {.since_boot = origin, .since_epoch_ms = find_epoch_ms(run)});
  std::map<std::uint32_t, int> times;  // that a process id came
  for (const auto& process : run.processes()) {
    const auto pid = process.facts.pid;
    const auto time = ++times[pid];
    add_process(run, process, time == 1 ? fmt::format("{}", pid) : fmt::format("{}-{}", pid, time), origin,
                profile);
  }
  profile.finish();
}

struct Recorded {
  const CapturedRun& run;
  const RecordedRun& figures;
  const SourceScope& sources;
};

struct Export {
  const char* option;
  const char* help;
  const char* what;
  std::string ExportFiles::* file;
  void (*write)(const Recorded&, const TextSink&);
};

constexpr std::array kExports{
    Export{"--html", kHtmlHelp, "page", &ExportFiles::html,
           [](const Recorded& recorded, const TextSink& sink) {
             write_page(recorded.run, recorded.figures, recorded.sources, sink);
           }},
    Export{"--trace", "Write a time line of holds and waits (Chrome trace events, for Perfetto)", "trace",
           &ExportFiles::trace,
           [](const Recorded& recorded, const TextSink& sink) { write_trace(recorded.run, sink); }},
    Export{"--firefox",
           "Write the same, with the stacks that made others wait (for https://profiler.firefox.com)",
           "profile", &ExportFiles::firefox,
           [](const Recorded& recorded, const TextSink& sink) { write_firefox(recorded.run, sink); }},
    Export{"--flamegraph",
           "Write the stacks that made others wait, by ns of it (collapsed, for flamegraph.pl)",
           "flame graph", &ExportFiles::flamegraph,
           [](const Recorded& recorded, const TextSink& sink) { write_flamegraph(recorded.figures, sink); }},
    Export{"--speedscope", "The same, for https://www.speedscope.app", "speedscope profile",
           &ExportFiles::speedscope,
           [](const Recorded& recorded, const TextSink& sink) {
             write_speedscope(recorded.figures,
                              fmt::format("{}", fmt::join(recorded.run.capture().metadata.command, " ")),
                              sink);
           }},
};

}  // namespace

std::string title_of(const CapturedProcess& process, const CaptureNames& names, const Capture& capture) {
  const auto origin = describe_origin(name_of(process, names), process.facts.start_method);
  return origin.empty() ? fmt::format("{}", fmt::join(capture.metadata.command, " ")) : std::string(origin);
}

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
  command.add_flag_callback(
      "--sources", [&files] { files.sources.of = SourceScope::Of::All; },
      "Have the page show lines of every Python file that it names [run: of the program's own; report: "
      "none]");
}

void check_exports(std::string_view command, const ExportFiles& files, const CommonOptions& options,
                   const std::string& report) {
  if (files.sources.of == SourceScope::Of::All && files.html.empty()) {
    throw Error(fmt::format("{}: --sources is of the page, and none is asked for", command),
                "--html FILE writes one", ExitCode::Usage);
  }
  auto list = list_exports(files);
  if (!options.json.empty()) list.emplace(list.begin(), "--json", options.json);
  if (!report.empty()) list.emplace(list.begin(), "--report", report);
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

ExportWriter::ExportWriter(const ExportFiles& files, Existing existing) : sources_(files.sources) {
  for (std::size_t i = 0; i < kExports.size(); ++i) {
    const auto& file = files.*kExports[i].file;
    if (!file.empty()) files_.emplace_back(i, std::make_unique<OutputFile>(file, existing));
  }
}

void ExportWriter::write(const CapturedRun& run, const RecordedRun& recorded) {
  std::optional<Error> failure;
  for (auto& [kind, file] : files_) {
    try {
      kExports[kind].write({run, recorded, sources_}, [&](std::string_view part) { file->append(part); });
      file->commit();
    } catch (const Error& error) {
      if (!failure) failure = error;
    }
  }
  if (failure) throw Error(*failure);
}

}  // namespace gilscope::cli
