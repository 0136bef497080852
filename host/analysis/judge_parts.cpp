#include "analysis/judge_parts.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "analysis/judge_cpu.h"
#include "analysis/user_code.h"
#include "support/library_file.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

constexpr double kLeastOfCulprit = 0.05;  // of what the worst culprit caused: who caused less is none
constexpr std::uint64_t kOnce = 3;        // so many holds are no habit
constexpr int kNeverReleased = 100;  // switch intervals, or that time: a busy machine wakes who waits late
constexpr Nanoseconds kForEver{500'000'000};
constexpr int kOfInterval = 5;  // a hold of less than that part of one is brief

std::vector<ThreadId> rank(const std::map<ThreadId, Nanoseconds>& threads, double least) {
  std::vector<std::pair<ThreadId, Nanoseconds>> list(threads.begin(), threads.end());
  sort_stably(list, [](const auto& left, const auto& right) { return left.second > right.second; });
  std::vector<ThreadId> ranking;
  for (const auto& [thread, part] : list) {
    if (ratio(part, list.front().second) >= least) ranking.push_back(thread);
  }
  return ranking;
}

// Whether most of the waiting is for who hands over tasks.
bool is_for_tasks(const GilFacts& facts) {
  Nanoseconds lost{};
  for (const BlameRow* row : facts.rows) {
    if (is_handing_over(row->stack)) lost = add(lost, row->caused_wait_ns);
  }
  return lost > Nanoseconds::zero() && lost >= facts.gil->wait_ns / 2;
}

// What a hold was for is seen at the second interval of a waiter: Python code would have given it up.
std::uint64_t late_holds_of(const BlameRow& row) {
  return row.work ? row.holds : std::min(row.late_holds, row.holds);
}

// Those that compute may have had no CPU for a moment, where more of their holds were forced in time than
// late, and waiters saw them in a call seldom, by chance: of those that were in the queue for one for as
// long, or of a killed process, as nobody knows then what they had.
std::set<ThreadId> find_disturbed_computers(const GilFacts& facts) {
  struct Ends {
    std::uint64_t late = 0;
    std::uint64_t seen = 0;  // of these, in a call
    std::uint64_t forced = 0;
    Nanoseconds took{};  // that were late
  };
  std::map<ThreadId, Ends> holds;
  for (const BlameRow* row : facts.rows) {
    auto& of_it = holds[*row->thread];
    const auto late = late_holds_of(*row);
    const auto part = ratio(split(*row).late, row->caused_wait_ns);
    of_it.took = add(of_it.took, round_to_nanoseconds(static_cast<double>(row->hold_ns.count()) * part));
    of_it.late += late;
    if (row->work) of_it.seen += late;
    of_it.forced += row->forced - std::min(late, row->forced);
  }
  std::set<ThreadId> threads;
  for (const auto& [thread, of_it] : holds) {
    const bool computes = of_it.forced > 0 && of_it.forced >= of_it.late && of_it.seen < kSeveral;
    if (computes && may_have_lacked_cpu(*facts.process, thread, of_it.took)) threads.insert(thread);
  }
  return threads;
}

// A waiter asks for a hold that is late before it is; only one that goes on has not been forced.
bool is_open(const BlameRow& row, const GilFacts& facts) {
  return row.late_holds > row.forced &&
         row.max_wait_ns >= std::min(kNeverReleased * facts.interval, kForEver);
}

// Whether a hold lasts long enough to be of a thread that computes, however it ended.
bool is_of_computing(const BlameRow& row, const GilFacts& facts) {
  return mean(row.hold_ns, row.holds) >= facts.interval / kOfInterval;
}

std::optional<CodePlace> look_at(const BlameRow& row) {
  return row.to ? std::optional(place_to_look_at(*row.to, row.stack)) : std::nullopt;
}

}  // namespace

Parts split(const BlameRow& row) {
  if (row.work) return {.late = row.caused_wait_ns};
  Parts parts{.late = std::min(row.late_wait_ns, row.caused_wait_ns)};
  const Nanoseconds others = row.caused_wait_ns - parts.late;
  const auto holds = row.holds - std::min(row.late_holds, row.holds);
  const auto forced = row.forced - std::min(row.late_holds, row.forced);
  (2 * forced >= holds ? parts.forced : parts.brief) = others;
  return parts;
}

std::set<ThreadId> find_computers(const GilFacts& facts) {
  struct Ends {
    std::uint64_t forced = 0;
    std::uint64_t own = 0;
    Nanoseconds computed{};
    Nanoseconds held{};
  };
  std::map<ThreadId, Ends> ends;
  for (const BlameRow* row : facts.rows) {
    auto& of_it = ends[*row->thread];
    const auto holds = row->holds - std::min(row->late_holds, row->holds);
    const auto forced = std::min(row->forced - std::min(row->late_holds, row->forced), holds);
    of_it.forced += forced;
    of_it.own += holds - forced;
    of_it.held = add(of_it.held, row->hold_ns);
    if (is_of_computing(*row, facts)) of_it.computed = add(of_it.computed, row->hold_ns);
  }
  std::set<ThreadId> computers;
  for (const auto& [thread, of_it] : ends) {
    const bool is_asked = of_it.own <= kOnce || of_it.forced >= of_it.own;
    const bool computes = of_it.forced >= kOnce && of_it.computed >= of_it.held / 2;
    if (is_asked || computes) computers.insert(thread);
  }
  return computers;
}

void Gathering::add(const BlameRow& row, Nanoseconds part, std::uint64_t holds, Nanoseconds longest) {
  auto& place = places_[look_at(row)];
  place.lost = gilscope::add(place.lost, part);
  if (place.heaviest == nullptr || part > place.part) {
    place.heaviest = &row;
    place.part = part;
  }
  if (row.work) works_.insert(row.work->name);
  lost_ = gilscope::add(lost_, part);
  const auto held = static_cast<double>(row.hold_ns.count()) * ratio(part, row.caused_wait_ns);
  held_ = gilscope::add(held_, round_to_nanoseconds(held));
  holds_ += holds;
  longest_ = std::max(longest_, longest);
  culprits_[*row.thread] = gilscope::add(culprits_[*row.thread], part);
  place.culprits[*row.thread] = gilscope::add(place.culprits[*row.thread], part);
  for (const auto& [thread, wait] : row.waiters) {
    const auto of_it =
        round_to_nanoseconds(static_cast<double>(wait.count()) * ratio(part, row.caused_wait_ns));
    if (thread != kFurtherThreads && of_it > Nanoseconds::zero()) {
      victims_[thread] = gilscope::add(victims_[thread], of_it);
    }
  }
}

// Of a hold that had not ended nobody may know where.
const Gathering::Place* Gathering::heaviest_place(Whose whose) const {
  const auto most = std::ranges::max_element(places_, {}, [&](const auto& known) {
    const auto& [place, of_it] = known;
    const bool is_wanted = place && (whose == Whose::Anybodys || !is_library_file(place->file));
    return std::tuple(place.has_value(), is_wanted, of_it.lost);
  });
  return most == places_.end() ? nullptr : &most->second;
}

const BlameRow* Gathering::heaviest(Whose whose) const {
  const Place* const place = heaviest_place(whose);
  return place == nullptr ? nullptr : place->heaviest;
}

// A sentence names the first of them beside the line.
std::vector<ThreadId> Gathering::culprits(Whose whose) const {
  auto ranking = rank(culprits_, kLeastOfCulprit);
  const Place* const place = heaviest_place(whose);
  if (place == nullptr) return ranking;
  const auto part = [&](ThreadId thread) {
    const auto known = place->culprits.find(thread);
    return known == place->culprits.end() ? Nanoseconds{} : known->second;
  };
  sort_stably(ranking, [&](ThreadId left, ThreadId right) { return part(left) > part(right); });
  return ranking;
}

RunFinding Gathering::told(RunFinding::Kind kind, const GilFacts& facts) const {
  RunFinding finding{.kind = kind, .pid = facts.process->pid, .gil = facts.gil->id};
  // Tasks are handed over by the user, to workers that are not.
  const auto whose = kind == RunFinding::Kind::TinyTasks ? Whose::Users : Whose::Anybodys;
  finding.culprits = culprits(whose);
  if (!finding.culprits.empty()) finding.culprit = finding.culprits.front();
  finding.victims = rank(victims_, 0);
  if (!finding.victims.empty()) finding.victim = finding.victims.front();
  finding.count = holds_;
  finding.longest = longest_;
  finding.lost = lost_;
  finding.interval = facts.interval;
  if (const BlameRow* const row = heaviest(whose)) {
    finding.work = row->work;
    if (finding.work && finding.work->kind == WorkKind::Collection) {  // on an innocent line
      if (works_.size() > 1) finding.work->name.clear();               // of several generations
      return finding;
    }
    finding.place = row->to;
    finding.stack = row->stack;
  }
  return finding;
}

SortedRows sort_rows(const GilFacts& facts) {
  SortedRows sorted;
  const bool has_tasks = is_for_tasks(facts);
  const auto computers = find_computers(facts);
  const auto disturbed = find_disturbed_computers(facts);
  std::map<std::pair<std::optional<CodePlace>, std::optional<HeldWork>>, Gathering> late;
  for (const BlameRow* row : facts.rows) {
    auto parts = split(*row);
    const bool goes_on = is_open(*row, facts);
    auto late_holds = late_holds_of(*row);
    if (late_holds > 0 && !is_collection(row->work) && disturbed.contains(*row->thread) && !goes_on) {
      parts.forced = add(parts.forced, std::exchange(parts.late, Nanoseconds{}));
      late_holds = 0;
    }
    // Who computes for a millisecond and then gives it up, as it has done its work, computed.
    if (computers.contains(*row->thread) && late_holds == 0 && is_of_computing(*row, facts)) {
      parts.forced = add(parts.forced, std::exchange(parts.brief, Nanoseconds{}));
    }
    const auto others = row->holds - late_holds;
    if (goes_on) {
      sorted.open.emplace_back().add(*row, parts.late, late_holds, row->max_hold_ns);
    } else if (is_collection(row->work)) {
      // Those that came by themselves are one cause, whichever generation it was.
      const bool is_asked_for = row->work->kind == WorkKind::Collect;
      const auto work = is_asked_for ? row->work : HeldWork{.kind = WorkKind::Collection};
      late[{is_asked_for ? look_at(*row) : std::nullopt, work}].add(*row, parts.late, row->holds,
                                                                    row->max_wait_ns);
    } else if (late_holds > 0) {
      late[{look_at(*row), row->work}].add(*row, parts.late, late_holds, row->max_wait_ns);
    }
    const auto longest = late_holds == 0 ? row->max_wait_ns : Nanoseconds{};
    if (has_tasks && is_handing_over(row->stack)) {
      sorted.handing_over.add(*row, add(parts.forced, parts.brief), others, longest);
    } else if (parts.forced > Nanoseconds::zero()) {
      sorted.computing.add(*row, parts.forced, others, longest);
    } else if (parts.brief > Nanoseconds::zero()) {
      sorted.brief.add(*row, parts.brief, others, longest);
    }
  }
  for (auto& [reason, gathering] : late) sorted.late.push_back(std::move(gathering));
  return sorted;
}

WhatWasWaitedFor find_what_was_waited_for(const GilFacts& facts) {
  WhatWasWaitedFor found;
  const auto& gil = *facts.gil;
  if (facts.rows.empty()) {
    found.do_several_compute = 2 * gil.forced >= gil.handoffs;
    (found.do_several_compute ? found.computing : found.brief) = gil.wait_ns;
    return found;
  }
  const auto sorted = sort_rows(facts);
  std::set<ThreadId> computers;
  const auto add_computing = [&](const Gathering& gathering) {
    found.computing = add(found.computing, gathering.lost());
    for (const auto thread : gathering.culprits()) computers.insert(thread);
  };
  add_computing(sorted.computing);
  for (const auto& late : sorted.late) {
    if (!late.heaviest()->work) add_computing(late);
  }
  found.brief = add(sorted.brief.lost(), sorted.handing_over.lost());
  found.do_several_compute = computers.size() > 1;
  return found;
}

}  // namespace gilscope
