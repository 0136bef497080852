#include "report/finding_text.h"

#include <algorithm>

#include <spdlog/fmt/fmt.h>

#include "report/blame_text.h"
#include "report/export_text.h"
#include "report/text.h"

namespace gilscope {
namespace {

std::string duration(Nanoseconds time) { return format_duration(static_cast<double>(time.count())); }

// Who it is about; a run may have several processes.
struct Words {
  std::string culprit;
  std::string victim;
  std::string at;  // " at app.py:41 parse"; "" where that is not known
};

Words find_words(const RunFinding& finding, const RunSummary& summary) {
  const auto process = std::ranges::find(summary.processes, finding.pid, &ProcessSummary::pid);
  const auto name = [&](std::optional<ThreadId> thread) {
    if (!thread) return std::string("another thread");
    return process == summary.processes.end() ? describe_thread(*thread, "") : name_of(*process, *thread);
  };
  Words words{.culprit = name(finding.culprit), .victim = name(finding.victim)};
  if (const auto line = describe_line(finding.place, finding.stack); !line.empty()) words.at = " at " + line;
  return words;
}

}  // namespace

std::string_view name_of(RunFinding::Kind kind) noexcept {
  switch (kind) {
    case RunFinding::Kind::KeptByC:
      return "kept_by_c";
    case RunFinding::Kind::Convoy:
      break;
  }
  return "convoy";
}

std::string describe_finding(const RunFinding& finding, const RunSummary& summary) {
  const auto [culprit, victim, at] = find_words(finding, summary);
  switch (finding.kind) {
    case RunFinding::Kind::KeptByC:
      return fmt::format(
          "{}{} kept the GIL for up to {} while {} asked for it, which cost others {} in {}: Python code "
          "gives it up "
          "within a switch interval, so a call in C keeps it; let that call release the GIL, or make it in "
          "another "
          "process",
          culprit, at, duration(finding.longest), victim, duration(finding.lost),
          count_of(finding.count, "hold"));
    case RunFinding::Kind::Convoy:
      break;
  }
  return fmt::format(
      "{} gives the GIL up again and again, and lost {} in {} to get it back, up to {} each: {} computes{} "
      "and gives it "
      "up after a switch interval only; compute in another process, or make the interval shorter "
      "(sys.setswitchinterval)",
      victim, duration(finding.lost), count_of(finding.count, "wait"), duration(finding.longest), culprit,
      at);
}

}  // namespace gilscope
