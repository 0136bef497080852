#include "report/blame_text.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "analysis/user_code.h"
#include "report/export_text.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

// Those that caused less say nothing; --json has all.
constexpr std::size_t kMaxSpans = 5;
constexpr double kLeastShare = 0.01;
constexpr std::size_t kMaxNames = 4;

// Holds between the same two lines, of all threads.
struct Span {
  std::optional<CodePlace> from;
  std::optional<CodePlace> to;
  std::optional<HeldWork> work;
  std::uint64_t holds = 0;
  Nanoseconds held{};
  Nanoseconds caused{};
  std::vector<CodePlace> stack;  // of its end: the one that caused most,
  Nanoseconds caused_by_stack{};
  std::map<ThreadId, Nanoseconds> holders;
  std::map<ThreadId, Nanoseconds> waiters;
};

double nanoseconds(Nanoseconds time) { return static_cast<double>(time.count()); }

// The whole path is in the JSON; "<string>" is none.
std::string file_of(const CodePlace& place) {
  const auto name = std::filesystem::path(place.file).filename().string();
  return replace_controls(name.empty() ? place.file : name);
}

std::string line_of(const CodePlace& place) {
  return place.line == 0 ? file_of(place) : fmt::format("{}:{}", file_of(place), place.line);
}

std::string describe(const CodePlace& place) {
  return fmt::format("{} {}", line_of(place), replace_controls(place.function));
}

std::string describe_caller(const Span& span) {
  const auto& caller = place_to_look_at(*span.to, span.stack);
  if (caller == *span.to) return {};
  return fmt::format(", {}called at {}", span.caused_by_stack == span.caused ? "" : "mostly ",
                     describe(caller));
}

// Which of the coroutines that run in turns it was, where the line does not say so.
std::string describe_task(const Span& span) {
  const auto task = task_of(span.stack);
  if (!task || task->function == place_to_look_at(*span.to, span.stack).function) return {};
  return fmt::format(", in the task of {}", replace_controls(task->function));
}

std::string describe_ends(const Span& span) {
  if (!span.to) return span.from ? fmt::format("{} → …", describe(*span.from)) : "lines not known";
  const bool is_in_one =
      span.from && span.from->file == span.to->file && span.from->function == span.to->function;
  return fmt::format("{} → {}{}{}{}", span.from ? describe(*span.from) : "…",
                     is_in_one ? line_of(*span.to) : describe(*span.to), describe_caller(span),
                     describe_task(span), span.work ? ", " + describe_work(*span.work) : "");
}

// The first of them the most of it: "worker-1, worker-2 and 3 more".
std::string list_threads(const ProcessSummary& process, const std::map<ThreadId, Nanoseconds>& threads) {
  std::vector<std::pair<Nanoseconds, ThreadId>> ranking;
  for (const auto& [thread, time] : threads) ranking.emplace_back(-time, thread);
  std::ranges::sort(ranking);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(ranking.size(), kMaxNames); ++i) {
    names.push_back(name_of(process, ranking[i].second));
  }
  if (ranking.size() > kMaxNames) {
    return fmt::format("{} and {} more", fmt::join(names, ", "), ranking.size() - kMaxNames);
  }
  if (names.size() < 2) return names.empty() ? std::string() : names.front();
  const auto last = names.back();
  names.pop_back();
  return fmt::format("{} and {}", fmt::join(names, ", "), last);
}

std::string describe_span(const Span& span, const ProcessSummary& process) {
  const auto mean = nanoseconds(span.held) / static_cast<double>(span.holds);
  return fmt::format("{}: held {} in {}{} by {}; caused {} of waiting in {}", describe_ends(span),
                     format_duration(span.held), count_of(span.holds, "hold"),
                     span.holds > 1 ? fmt::format(", {} each,", format_duration(mean)) : "",
                     list_threads(process, span.holders), format_duration(span.caused),
                     list_threads(process, span.waiters));
}

std::vector<Span> merge_threads(const std::vector<BlameRow>& rows) {
  std::map<std::tuple<std::optional<CodePlace>, std::optional<CodePlace>, std::optional<HeldWork>>, Span>
      spans;
  for (const auto& row : rows) {
    if (!row.thread || row.holds == 0) continue;
    Span& span = spans[{row.from, row.to, row.work}];
    span.from = row.from;
    span.to = row.to;
    span.work = row.work;
    span.holds += row.holds;
    span.held = add(span.held, row.hold_ns);
    span.caused = add(span.caused, row.caused_wait_ns);
    if (span.stack == row.stack) {
      span.caused_by_stack = add(span.caused_by_stack, row.stack_wait_ns);
    } else if (row.stack_wait_ns > span.caused_by_stack) {
      span.stack = row.stack;
      span.caused_by_stack = row.stack_wait_ns;
    }
    span.holders[*row.thread] = add(span.holders[*row.thread], row.hold_ns);
    for (const auto& [thread, wait] : row.waiters) {
      if (wait > Nanoseconds::zero()) span.waiters[thread] = add(span.waiters[thread], wait);
    }
  }
  std::vector<Span> ranking;
  for (auto& [ends, span] : spans) ranking.push_back(std::move(span));
  sort_stably(ranking, [](const Span& left, const Span& right) { return left.caused > right.caused; });
  return ranking;
}

}  // namespace

std::string name_of(const ProcessSummary& process, ThreadId thread) {
  const auto known = std::ranges::find_if(
      process.threads, [&](const NamedThread& row) { return row.figures.id == thread && !row.name.empty(); });
  if (known != process.threads.end()) return replace_controls(known->name);
  const auto other = std::ranges::find_if(
      process.other_threads, [&](const OtherThread& row) { return row.id == thread && !row.name.empty(); });
  if (other != process.other_threads.end()) return replace_controls(other->name);
  if (thread == kFurtherThreads) return "further threads";
  return describe_thread(thread, "");
}

std::string describe_line(const std::optional<CodePlace>& place, const std::vector<CodePlace>& stack) {
  return place ? describe(place_to_look_at(*place, stack)) : std::string();
}

std::string describe_function(const CodePlace& place) {
  const auto name = replace_controls(place.function);
  return place.file.empty() ? name : fmt::format("{} ({})", name, line_of(place));
}

std::string describe_work(const HeldWork& work) {
  const auto name = replace_controls(work.name);
  switch (work.kind) {
    case WorkKind::Call:
      return "in " + name;
    case WorkKind::Freeing:
      return name.empty() ? "probably freeing objects" : fmt::format("probably freeing what {} held", name);
    case WorkKind::Collection:
      return fmt::format("collecting garbage ({})", name);
    case WorkKind::Collect:
      break;
  }
  return fmt::format("in gc.collect() ({})", name);
}

std::string format_blame(const ProcessSummary& process, const TextStyle& style) {
  if (!process.blame) return {};
  Nanoseconds waited{};
  Nanoseconds nobodys{};
  for (const auto& row : *process.blame) {
    waited = add(waited, row.caused_wait_ns);
    if (!row.thread) nobodys = add(nobodys, row.caused_wait_ns);
  }
  if (waited == Nanoseconds::zero()) return {};
  std::string text =
      paint(fmt::format("Who made others wait, {} in all:", format_duration(waited)), "1", style.colour) +
      '\n';
  const auto append = [&](const std::string& sentence) { append_entry(text, sentence, style); };
  const auto spans = merge_threads(*process.blame);
  std::size_t shown = 0;
  while (shown < std::min(spans.size(), kMaxSpans)) {
    if (shown > 0 && nanoseconds(spans[shown].caused) < kLeastShare * nanoseconds(waited)) break;
    append(describe_span(spans[shown++], process));
  }
  if (spans.size() > shown) {
    append(
        fmt::format("({} more, that caused less: --json has them)", count_of(spans.size() - shown, "span")));
  }
  if (nanoseconds(nobodys) >= kLeastShare * nanoseconds(waited)) {
    append(fmt::format("{} went by while nobody held it: until the system had woken who waited",
                       format_duration(nobodys)));
  }
  return text;
}

}  // namespace gilscope
