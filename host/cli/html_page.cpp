#include "cli/html_page.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/exports.h"
#include "cli/run_capture.h"
#include "report/page.h"
#include "report/timeline_json.h"

namespace gilscope::cli {

nlohmann::ordered_json make_timeline(const CapturedRun& run) {
  const auto origin = run.origin();
  const auto since_origin = [&](std::uint64_t ticks) { return ticks > origin ? ticks - origin : 0; };
  Timeline timeline(origin, TickLength{run.clock().tick_ns()});
  std::vector<TimelineProcess> processes;
  for (const auto& process : run.processes()) {
    timeline.begin_process();
    std::uint64_t last = process.facts.begin.ticks;
    const CaptureNames names = run.read_intervals(process, [&](const Interval& interval) {
      timeline.add(interval);
      last = std::max(last, interval.end);
    });
    TimelineProcess known{.pid = process.facts.pid,
                          .name = title_of(process, names, run.capture()),
                          .begin = since_origin(process.facts.begin.ticks),
                          .end = since_origin(process.end.value_or(last))};
    for (auto& thread : merge_threads(process, names)) {
      if (!thread.name.empty()) known.threads[thread.id] = std::move(thread.name);
    }
    processes.push_back(std::move(known));
  }
  return timeline_json(timeline, processes);
}

void write_page(nlohmann::ordered_json document, const TextSink& sink) {
  document["gilscope"] = GILSCOPE_VERSION;
  sink(format_page(document));
}

void write_page(const CapturedRun& run, const RecordedRun& recorded, const SourceScope& sources,
                const TextSink& sink) {
  RunSummary summary = summarize_run(recorded);
  const auto losses = cut_summary(summary);
  auto timeline = make_timeline(run);
  if (timeline.at("processes").empty()) timeline = nullptr;
  const auto began = run.began_at();
  write_page(summary_page(summary, context_of(run.capture()), losses, std::move(timeline),
                          began ? read_source_lines(summary, *began, sources) : SourceLines{}),
             sink);
}

}  // namespace gilscope::cli
