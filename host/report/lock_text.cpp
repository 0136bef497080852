#include "report/lock_text.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "report/blame_text.h"
#include "report/export_text.h"

namespace gilscope {
namespace {

// --json has all.
constexpr std::ptrdiff_t kMostPlaces = 5;
constexpr double kWorthARow = 0.01;  // of its process's time

// "Handler.acquire, called at app.py:25 serve".
std::string describe_place(const std::optional<CodePlace>& place, std::string_view within) {
  if (!place) return "where no Python code runs";
  auto line = describe_line(place, {*place});
  if (within.empty()) return line;
  return replace_controls(std::string(within)) + (line.empty() ? "" : ", called at " + line);
}

// " (dict)": what has the lock. "" where that is not known.
std::string describe_lock(const LockWaitRow& row) {
  switch (row.lock) {
    case LockKind::Lock:
      return " (threading.Lock)";
    case LockKind::Object:
      return fmt::format(" ({})", replace_controls(row.lock_type));
    case LockKind::Python:
      return " (CPython's own)";
    default:
      return "";
  }
}

std::string describe_waits(const LockWaitRow& row, const ProcessSummary& process) {
  const auto times = row.count == 1 ? fmt::format("once, {}", format_duration(row.max_ns))
                                    : fmt::format("{} × up to {}, {} in all", row.count,
                                                  format_duration(row.max_ns), format_duration(row.total_ns));
  const auto who = row.threads == 1 ? name_of(process, row.max_thread) : count_of(row.threads, "thread");
  auto text =
      fmt::format("{}{}: {} in {}", describe_place(row.place, row.within), describe_lock(row), times, who);
  if (!row.ended_at) return text;
  const bool is_same = row.ended_at == row.place;
  return text + "; ended at " +
         (is_same && row.ended_within.empty() ? "the same line"
          : is_same                           ? replace_controls(row.ended_within) + " there"
                                              : describe_place(row.ended_at, row.ended_within));
}

// "" where hardly anybody did.
std::string describe_spun(const ProcessSummary& process) {
  if (share_of(process.spun_ns, process.wall_ns).value_or(0) < kWorthARow) return "";
  return fmt::format("  + {} in {} at places that are not known, as they ended while CPython tried again\n",
                     format_duration(process.spun_ns), count_of(process.spun_waits, "wait"));
}

}  // namespace

std::string format_lock_waits(const ProcessSummary& process, const TextStyle& style) {
  const auto is_turn = [](const LockWaitRow& row) { return row.is_for_turn(); };
  const auto turns = std::ranges::count_if(process.lock_waits, is_turn);
  const auto worth = std::ranges::count_if(process.lock_waits, [&](const LockWaitRow& row) {
    return is_turn(row) && share_of(row.total_ns, process.wall_ns).value_or(1) >= kWorthARow;
  });
  const auto spun = describe_spun(process);
  if (worth == 0 && spun.empty()) return "";
  Nanoseconds total = process.spun_ns;
  for (const auto& row : process.lock_waits) {
    if (is_turn(row)) total = add(total, row.total_ns);
  }
  const auto shown = std::min(worth, kMostPlaces);
  std::string text =
      paint(fmt::format("Waits for a turn at one of Python's locks, {} in all:", format_duration(total)), "1",
            style.colour) +
      '\n';
  std::ptrdiff_t told = 0;
  for (const auto& row : process.lock_waits) {
    if (told++ == shown) break;  // those for a turn come first
    append_entry(text, describe_waits(row, process), style);
  }
  if (turns > shown)
    text += fmt::format("  ({} places more, that took less: --json has them)\n", turns - shown);
  if (process.further_lock_waits != 0) {
    text += fmt::format("  + {} at more places than are kept\n",
                        count_of(process.further_lock_waits, "further wait"));
  }
  return text + spun;
}

std::string format_open_waits(const ProcessSummary& process, const TextStyle& style) {
  std::string text;
  std::ptrdiff_t told = 0;
  for (const auto& wait : process.open_lock_waits) {
    if (wait.is_for_work) continue;
    if (told++ >= kMostPlaces) continue;
    auto words = fmt::format("{}: {} since {}", describe_place(wait.place, wait.within),
                             name_of(process, wait.thread), format_duration(wait.since_ns));
    if (wait.holder == wait.thread) {
      words += "; it has it itself";
    } else if (wait.holder) {
      words += fmt::format("; {} has it", name_of(process, *wait.holder));
    }
    append_entry(text, words, style);
  }
  if (told == 0) return "";
  if (told > kMostPlaces) text += fmt::format("  ({} more: --json has them)\n", told - kMostPlaces);
  return paint("Waits for a turn at a lock that had not ended:", "1", style.colour) + '\n' + text;
}

namespace {

const OpenLockWait* find_wait(const ProcessSummary& process, ThreadId thread) {
  const auto found = std::ranges::find(process.open_lock_waits, thread, &OpenLockWait::thread);
  return found == process.open_lock_waits.end() ? nullptr : &*found;
}

// "waits at app.py:12 transfer".
std::string describe_where(const OpenLockWait& wait) {
  if (!wait.place) return "waits";
  return fmt::format("waits {} {}", wait.within.empty() ? "at" : "in",
                     describe_place(wait.place, wait.within));
}

std::string describe_waiter(const OpenLockWait& wait, const ProcessSummary& process) {
  return name_of(process, wait.thread) + ' ' + describe_where(wait);
}

}  // namespace

std::string describe_deadlock(const RunFinding& finding, const ProcessSummary& process) {
  std::vector<const OpenLockWait*> waits;
  for (const auto thread : finding.victims) {
    if (const auto* const wait = find_wait(process, thread)) waits.push_back(wait);
  }
  const auto since = fmt::format("since {}", format_duration(finding.since.value_or(Nanoseconds{})));
  if (waits.empty()) return "threads wait for one another's locks, " + since;
  const auto first = describe_waiter(*waits.front(), process);
  const bool is_circle = waits.back()->holder == waits.front()->thread;
  if (is_circle && waits.size() == 1) {
    return fmt::format("a deadlock: {} for a lock that it has itself, {}; use an RLock, or take it once",
                       first, since);
  }
  if (waits.size() == 2 && waits.front()->holder == waits.back()->thread) {
    const auto second =
        fmt::format("{}, which {}", name_of(process, waits.back()->thread), describe_where(*waits.back()));
    if (!is_circle) {
      return fmt::format("probably a deadlock: {} for a lock of {}, {}; give it up before", first, second,
                         since);
    }
    return fmt::format("a deadlock: {} for a lock of {} for one of {}, {}; take locks in one order", first,
                       second, name_of(process, waits.front()->thread), since);
  }
  std::vector<std::string> places;
  constexpr std::size_t kShown = 3;
  for (const auto* wait : std::span(waits).first(std::min(waits.size(), kShown)))
    places.push_back(describe_waiter(*wait, process));
  if (waits.size() > kShown) places.push_back(fmt::format("{} more", waits.size() - kShown));
  const auto all = fmt::format("{}", fmt::join(places, ", "));
  if (is_circle) {
    return fmt::format("a deadlock: {} threads wait for one another's locks, {}: {}; take locks in one order",
                       waits.size(), since, all);
  }
  return fmt::format("probably a deadlock: {} threads wait, and nobody is left to wake them, {}: {}",
                     waits.size(), since, all);
}

std::string describe_processes(const RunFinding& finding) {
  return finding.processes > 1 ? fmt::format(" (in {} processes)", finding.processes) : std::string();
}

std::string describe_crowd(const RunFinding& finding, const ProcessSummary* process, Nanoseconds time) {
  const auto at_once = process == nullptr || finding.processes > 1 ? std::optional<double>()
                                                                   : share_of(time, process->wall_ns);
  return at_once ? fmt::format(", {:.1f} threads at any time", *at_once) : std::string();
}

namespace {

// " at app.py:41 parse", or of a function of the library's ", called at app.py:41 parse".
std::string describe_line_of(const RunFinding& finding, bool is_users_own) {
  const auto line = describe_line(finding.place, finding.stack);
  if (line.empty()) return "";
  return (is_users_own ? " at " : ", called at ") + line;
}

std::string describe_who(const RunFinding& finding) {
  return fmt::format("{} threads{}", finding.threads, describe_processes(finding));
}

// "800 waits up to 120 ms, 6.54 s in all, 6.5 threads at any time".
std::string describe_waiting(const RunFinding& finding, const ProcessSummary* process) {
  const auto waited = finding.lock_wait.value_or(Nanoseconds{});
  return fmt::format("{} up to {}, {} in all{}", count_of(finding.count, "wait"),
                     format_duration(finding.longest), format_duration(waited),
                     describe_crowd(finding, process, waited));
}

}  // namespace

std::string describe_turns(const RunFinding& finding, const ProcessSummary* process) {
  constexpr double kMostlyHeld = 0.5;  // a GIL, so that a lock less gains nothing
  const bool is_semaphore = finding.within == "Semaphore.acquire";
  const auto lock = is_semaphore             ? std::string("a semaphore")
                    : finding.within.empty() ? std::string("a lock")
                                             : "a lock in " + replace_controls(finding.within);
  return fmt::format(
      "{} take turns at {}{}: {}; {}", describe_who(finding), lock,
      describe_line_of(finding, is_semaphore || finding.within.empty()), describe_waiting(finding, process),
      finding.hold_share.value_or(0) < kMostlyHeld
          ? is_semaphore ? "hold it for less, or let more in" : "hold it for less, or have more than one"
          : fmt::format("without it they would wait for the GIL (held {})",
                        format_share(*finding.hold_share)));
}

std::string describe_shared_object(const RunFinding& finding, const ProcessSummary* process) {
  const auto within = finding.within.empty() ? std::string() : " in " + replace_controls(finding.within);
  const auto where = within + describe_line_of(finding, finding.within.empty());
  if (finding.object_type.empty()) {
    return fmt::format(
        "{} take turns at a lock of CPython's own{}: {}; do there less often what all need it for",
        describe_who(finding), where, describe_waiting(finding, process));
  }
  return fmt::format("{} use one {}{}, which lets in one at a time: {}; give each its own, or split it",
                     describe_who(finding), replace_controls(finding.object_type), where,
                     describe_waiting(finding, process));
}

}  // namespace gilscope
