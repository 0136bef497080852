#include "report/top_text.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "analysis/name_family.h"
#include "report/blame_text.h"
#include "report/export_text.h"
#include "report/lock_text.h"
#include "report/loop_text.h"
#include "report/summary_report.h"
#include "report/table.h"
#include "report/text.h"
#include "report/time_text.h"
#include "report/world_text.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

constexpr std::size_t kMostFindings = 3;
constexpr std::size_t kMostProcesses = 8;
constexpr std::size_t kMostGils = 3;
constexpr std::string_view kKeys =
    "q quit   space pause   s sort   up, down pick a thread   esc all threads   tab next process   ? help";

// With one blank between them: 76 columns.
constexpr std::array kProcessTable{
    Column{"process", 36, Align::Left}, Column{"CPUs", 7, Align::Right}, Column{"GIL held", 9, Align::Right},
    Column{"wait for it", 11, Align::Right}, Column{"hand-offs/s", 11, Align::Right}};

// What there is of a process in the figures since the begin, too; nullptr: nothing.
const ProcessSummary* find_process(const RunSummary& summary, std::int64_t pid) {
  const auto found = std::ranges::find(summary.processes, pid, &ProcessSummary::pid);
  return found == summary.processes.end() ? nullptr : &*found;
}

// Those that do work of the program's.
std::vector<const ProcessSummary*> find_workers(const RunSummary& summary) {
  std::vector<const ProcessSummary*> workers;
  for (const auto& process : summary.processes) {
    if (!is_helper(process) || process.pid == summary.verdict.pid) workers.push_back(&process);
  }
  return workers;
}

// The one that was chosen, where it is still there; nullptr where there is none at all.
const ProcessSummary* find_shown(const TopFigures& figures, const TopView& view) {
  const auto& summary = figures.window;
  for (const auto& pid : {view.process, summary.verdict.pid}) {
    const auto* const found = pid ? find_process(summary, *pid) : nullptr;
    if (found != nullptr) return found;
  }
  const auto workers = find_workers(summary);
  return workers.empty() ? nullptr : workers.front();
}

Nanoseconds waited(const ThreadTimes& thread) {
  return add(thread.for_gil,
             add(thread.for_turn.value_or(Nanoseconds{}), thread.stopped.value_or(Nanoseconds{})));
}

void sort_threads(std::vector<ThreadTimes>& threads, ThreadOrder order) {
  sort_stably(threads, [order](const ThreadTimes& left, const ThreadTimes& right) {
    switch (order) {
      case ThreadOrder::Waiting:
        return waited(left) > waited(right);
      case ThreadOrder::Running:
        return left.python > right.python;
      case ThreadOrder::Name:
        return left.name < right.name;
      case ThreadOrder::Busy:
        break;  // as they come
    }
    return false;
  });
}

std::string_view describe_order(ThreadOrder order) {
  constexpr std::array kWords{"the busiest first", "who waits most first", "who runs Python most first",
                              "by name"};
  return kWords.at(static_cast<std::size_t>(order));
}

std::vector<ThreadTimes> arrange(const ProcessSummary& process, ThreadOrder order) {
  auto threads = process.thread_times;
  sort_threads(threads, order);
  return arrange_thread_times(threads);
}

double per_second(std::uint64_t count, Nanoseconds time) {
  return time > Nanoseconds{} ? static_cast<double>(count) / to_seconds(time) : 0;
}

// "2.7": how many threads waited for a GIL, on average (Little's law).
std::string format_waiters(Nanoseconds waits, Nanoseconds wall) {
  const auto mean = share_of(waits, wall);
  return mean ? fmt::format("{:.2g}", *mean) : std::string(kUnknown);
}

class Screen {
 public:
  Screen(const TopFigures& figures, const TopView& view, std::size_t columns, std::size_t lines)
      : figures_(figures),
        view_(view),
        style_{.columns = std::max<std::size_t>(columns, 20)},
        most_(std::max<std::size_t>(lines, 2) - 1),
        process_(find_shown(figures, view)) {}

  std::vector<ScreenLine> lines() {
    add_head();
    if (view_.shows_help) {
      add_help();
    } else {
      add_findings();
      add_processes();
      if (process_ != nullptr) add_process(*process_);
    }
    if (lines_.size() > most_) lines_.resize(most_);
    while (lines_.size() < most_) add("");
    add(std::string(kKeys), LineStyle::Title);
    for (auto& line : lines_) line.text = shorten(line.text.empty() ? " " : line.text, style_.columns);
    return std::move(lines_);
  }

 private:
  void add(std::string text, LineStyle style = LineStyle::Plain) {
    lines_.push_back({std::move(text), style});
  }
  // The first line of a section is its title. At most `most` lines.
  void add_section(std::string_view text, std::size_t most) {
    if (text.empty() || most < 2) return;
    add("");
    for (const auto line : split_lines(text, most - 1)) {
      add(std::string(line), lines_.back().text.empty() ? LineStyle::Title : LineStyle::Plain);
    }
  }
  static std::vector<std::string_view> split_lines(std::string_view text, std::size_t most) {
    std::vector<std::string_view> lines;
    while (!text.empty() && lines.size() < most) {
      const auto end = std::min(text.find('\n'), text.size());
      lines.push_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
  }
  [[nodiscard]] std::size_t left() const { return most_ - std::min(most_, lines_.size()); }

  void add_head() {
    add(fmt::format("gilscope top: {} after {}, the last {}{}",
                    replace_controls(fmt::format("{}", fmt::join(figures_.command, " "))),
                    format_duration(figures_.age), format_duration(figures_.length),
                    view_.is_paused ? "; paused" : ""),
        LineStyle::Title);
    std::string text;
    append_wrapped(text, describe_verdict(figures_.window), style_);
    for (const auto line : split_lines(text, 3)) add(std::string(line));
  }

  void add_findings() {
    const auto advice = advise(figures_.window);
    for (const auto& sentence : std::span(advice).first(std::min(advice.size(), kMostFindings))) {
      std::string text;
      append_wrapped(text, "-> " + sentence, style_);
      for (const auto line : split_lines(text, 3)) add(std::string(line), LineStyle::Finding);
    }
  }

  void add_processes() {
    const auto processes = find_workers(figures_.window);
    if (processes.size() < 2) return;
    add("");
    add(format_titles(kProcessTable), LineStyle::Title);
    // The chosen one is among those that are shown.
    const auto chosen = static_cast<std::size_t>(std::ranges::find(processes, process_) - processes.begin());
    const auto first = chosen < kMostProcesses ? 0 : chosen + 1 - kMostProcesses;
    const auto end = std::min(first + kMostProcesses, processes.size());
    for (auto i = first; i < end; ++i) {
      add(format_row(kProcessTable, row_of(*processes[i])),
          i == chosen ? LineStyle::Picked : LineStyle::Plain);
    }
    if (end - first < processes.size())
      add(fmt::format("({} more processes: tab goes on to the next)", processes.size() - (end - first)));
  }

  static std::array<std::string, kProcessTable.size()> row_of(const ProcessSummary& process) {
    Nanoseconds waits{};
    std::uint64_t handoffs = 0;
    std::optional<double> held;
    for (const auto& gil : process.gils) {
      waits = gilscope::add(waits, gil.wait_ns);
      handoffs += gil.handoffs;
      if (gil.hold_share) held = std::max(held.value_or(0), *gil.hold_share);
    }
    const auto cpus = process.cpu_ns ? share_of(*process.cpu_ns, process.wall_ns) : std::nullopt;
    auto name =
        process.folded == 0
            ? fmt::format("{}{}{}", process.pid, describe_name(process.name), describe_role(process.role))
            : fmt::format("{} that have ended{}", process.folded, describe_name(process.name));
    return {shorten(name, kProcessTable[0].columns),
            cpus ? fmt::format("{:.2f}", *cpus) : std::string(kUnknown),
            held ? format_share(*held) : std::string(kUnknown), format_waiters(waits, process.wall_ns),
            fmt::format("{:.0f}", per_second(handoffs, process.wall_ns))};
  }

  void add_process(const ProcessSummary& process) {
    if (!process.gils.empty()) add("");
    auto gils = process.gils;
    sort_stably(gils, [](const GilFigures& a, const GilFigures& b) { return a.hold_ns > b.hold_ns; });
    for (const auto& gil : std::span(gils).first(std::min(gils.size(), kMostGils)))
      add(describe(gil, process));
    if (gils.size() > kMostGils) add(fmt::format("({} more GILs, held less)", gils.size() - kMostGils));
    add_threads(process, left() / 2);
    if (view_.thread.empty()) {
      add_section(format_blame(process, style_), left());
    } else {
      add_picked(process);
    }
    for (const auto& section : {format_lock_waits(process, style_), format_open_waits(process, style_),
                                format_stops(process, style_), format_loop_stalls(process, style_)}) {
      add_section(section, left());
    }
  }

  [[nodiscard]] std::string describe(const GilFigures& gil, const ProcessSummary& process) const {
    auto text = fmt::format(
        "GIL {}: held {} of the time, {} threads wait, {:.0f} hand-offs/s",
        gil.id == kEndedGils ? "of what has ended" : fmt::to_string(static_cast<std::uint32_t>(gil.id)),
        gil.hold_share ? format_share(*gil.hold_share) : std::string(kUnknown),
        format_waiters(gil.wait_ns, process.wall_ns), per_second(gil.handoffs, process.wall_ns));
    const auto* const all = find_process(figures_.all, process.pid);
    const NamedThread* longest = nullptr;
    for (const auto& thread : all == nullptr ? std::span<const NamedThread>() : std::span(all->threads)) {
      if (thread.figures.gil != gil.id || !thread.figures.hold) continue;
      if (longest == nullptr || thread.figures.hold->max_ns > longest->figures.hold->max_ns)
        longest = &thread;
    }
    if (longest == nullptr) return text;
    const auto name = longest->figures.id ? describe_thread(*longest->figures.id, longest->name)
                                          : std::string(kMergedThreads);
    return text + fmt::format("; longest so far {} ({})", format_duration(longest->figures.hold->max_ns),
                              replace_controls(name));
  }

  void add_threads(const ProcessSummary& process, std::size_t most) {
    auto sorted = process;
    sort_threads(sorted.thread_times, view_.order);
    const auto rows = arrange_thread_times(sorted.thread_times);
    auto text = format_thread_times(sorted, style_);
    if (text.empty()) return;
    text.insert(text.find('\n') - 1, fmt::format(", {}", describe_order(view_.order)));
    const auto picked = std::ranges::find(rows, view_.thread, [](const auto& row) { return name_of(row); });
    const auto at = lines_.size() + 3 + static_cast<std::size_t>(picked - rows.begin());
    add_section(text, most);
    if (picked != rows.end() && at < lines_.size()) lines_[at].style = LineStyle::Picked;
  }

  // Whom the picked thread made wait, and who made it wait.
  void add_picked(const ProcessSummary& process) {
    if (!process.blame) return;
    const auto is_picked = [&](ThreadId thread) {
      const auto name = gilscope::name_of(process, thread);
      return name == view_.thread || name_family(name) == view_.thread;
    };
    ProcessSummary by_it = process;
    std::erase_if(*by_it.blame, [&](const BlameRow& row) { return !row.thread || !is_picked(*row.thread); });
    add_blame(by_it, fmt::format("Whom {} made wait", view_.thread));
    ProcessSummary of_it = process;
    for (auto& row : *of_it.blame) {
      std::erase_if(row.waiters, [&](const CausedWait& wait) { return !is_picked(wait.thread); });
      row.caused_wait_ns = {};
      for (const auto& wait : row.waiters)
        row.caused_wait_ns = gilscope::add(row.caused_wait_ns, wait.wait_ns);
    }
    std::erase_if(*of_it.blame, [](const BlameRow& row) { return row.waiters.empty(); });
    add_blame(of_it, fmt::format("Who made {} wait", view_.thread));
  }

  void add_blame(const ProcessSummary& process, const std::string& title) {
    auto text = format_blame(process, style_);
    if (text.empty()) {
      add("");
      add(title + ": nobody", LineStyle::Title);
      return;
    }
    const auto sum = text.find(", ");
    add_section(title + text.substr(sum), left());
  }

  void add_help() {
    add("");
    for (const auto* line : {
             "q         leave this screen; of `top run`, the program is interrupted as by Ctrl-C",
             "space     stand still, and go on",
             "s         sort the threads: busy, waiting, running Python, by name",
             "down, up  pick a thread: whom it made wait, and who made it wait",
             "esc       back to all threads",
             "tab       the next process; backspace: the one that suffers most, whichever it is",
             "?         this, and back",
         })
      add(line);
  }

  const TopFigures& figures_;
  const TopView& view_;
  TextStyle style_;
  std::size_t most_;  // lines above the last one
  const ProcessSummary* process_;
  std::vector<ScreenLine> lines_;
};

void pick_thread(const TopFigures& figures, TopView& view, bool is_down) {
  const auto* const process = find_shown(figures, view);
  if (process == nullptr) return;
  const auto rows = arrange(*process, view.order);
  if (rows.empty()) return;
  const auto at = std::ranges::find(rows, view.thread, [](const auto& row) { return name_of(row); });
  auto next = at;
  if (at == rows.end()) {
    next = is_down ? rows.begin() : rows.end() - 1;
  } else if (is_down) {
    next = at + 1 == rows.end() ? at : at + 1;
  } else if (at != rows.begin()) {
    next = at - 1;
  }
  view.thread = name_of(*next);
}

void choose_next_process(const TopFigures& figures, TopView& view) {
  const auto processes = find_workers(figures.window);
  if (processes.empty()) return;
  const auto shown = std::ranges::find(processes, find_shown(figures, view));
  view.process =
      (shown == processes.end() || shown + 1 == processes.end() ? processes.front() : shown[1])->pid;
  view.thread.clear();
}

}  // namespace

void press(std::string_view key, const TopFigures& figures, TopView& view) {
  if (key == "q") view.is_over = true;
  if (key == " ") view.is_paused = !view.is_paused;
  if (key == "?" || key == "h") view.shows_help = !view.shows_help;
  if (key == "s") view.order = static_cast<ThreadOrder>((static_cast<unsigned>(view.order) + 1) % 4);
  if (key == "up" || key == "k") pick_thread(figures, view, false);
  if (key == "down" || key == "j") pick_thread(figures, view, true);
  if (key == "esc") view.thread.clear();
  if (key == "tab") choose_next_process(figures, view);
  if (key == "backspace") {
    view.process.reset();
    view.thread.clear();
  }
}

std::vector<ScreenLine> format_screen(const TopFigures& figures, const TopView& view, std::size_t columns,
                                      std::size_t lines) {
  return Screen(figures, view, columns, lines).lines();
}

std::string format_window(const TopFigures& figures) {
  std::string text;
  append_wrapped(text,
                 fmt::format("after {}, the last {}: {}", format_duration(figures.age),
                             format_duration(figures.length), describe_verdict(figures.window)),
                 {});
  const auto advice = advise(figures.window);
  for (const auto& sentence : std::span(advice).first(std::min(advice.size(), kMostFindings)))
    append_wrapped(text, "-> " + sentence, {});
  return text;
}

}  // namespace gilscope
