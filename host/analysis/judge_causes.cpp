#include "analysis/judge_causes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "analysis/judge_cpu.h"
#include "analysis/judge_parts.h"
#include "analysis/user_code.h"

namespace gilscope {
namespace {

using Kind = RunFinding::Kind;

constexpr std::uint64_t kLeastWaits = 10;
constexpr double kLeastOfLife = 0.1;  // of a thread that is in a convoy, spent waiting
constexpr double kAlwaysThere = 0.9;  // of a life, with the GIL or waiting for it
constexpr Nanoseconds kMomentary{100'000};
constexpr std::size_t kSeveralPollers = 2;
constexpr Nanoseconds kWorthShortening{1'000'000};  // a switch interval
constexpr Nanoseconds kSeen{10'000'000};            // of a hold: a look is made after two intervals

// Where waiters saw what was called there is less to doubt.
bool is_kept_too_long(const Gathering& late) {
  if (late.holds() < kSeveral) return late.longest() >= kStall;
  return late.longest() >= (late.heaviest()->work ? kSeen : kKept);
}

// Gives the GIL up itself, soon after it got it.
bool is_light(const ThreadFigures& thread, Nanoseconds interval) {
  return thread.forced * kLeastWaits <= thread.waits && mean(thread.hold_ns, thread.holds) <= interval / 5;
}

// A shorter switch interval would help it. `lost`: while others computed.
bool is_in_convoy(const ThreadFigures& thread, Nanoseconds lost, Nanoseconds interval) {
  return thread.waits >= kLeastWaits && is_light(thread, interval) &&
         mean(lost, thread.waits) >= interval / 2 && ratio(lost, thread.lifetime_ns) >= kLeastOfLife;
}

// As a rule: a thread may lose its CPU, or have computed before.
Nanoseconds typical_hold(const ThreadFigures& thread) {
  return thread.hold ? thread.hold->p50_ns : mean(thread.hold_ns, thread.holds);
}

// Has the GIL or asks for it, always, and each time for next to nothing.
bool is_polling(const ThreadFigures& thread) {
  return thread.holds >= kLeastWaits && thread.forced * kLeastWaits <= thread.holds &&
         typical_hold(thread) <= kMomentary &&
         ratio(add(thread.hold_ns, thread.wait_ns), thread.lifetime_ns) >= kAlwaysThere;
}

// Threads that poll on one line, and all that goes with it. Empty where there are too few of them, or others
// wait as much.
std::optional<RunFinding> find_pollers(const GilFacts& facts, const SortedRows& sorted) {
  const auto& computing = sorted.computing;
  std::map<CodePlace, Gathering> lines;
  std::map<CodePlace, std::set<ThreadId>> threads;
  for (const BlameRow* row : facts.rows) {
    const auto* const thread = facts.thread(*row->thread);
    if (!row->to || row->from != row->to || thread == nullptr || !is_polling(thread->figures)) continue;
    if (is_handing_over(row->stack)) continue;  // workers of an executor wait for tasks
    lines[*row->to].add(*row, row->caused_wait_ns, row->holds, row->max_wait_ns);
    threads[*row->to].insert(*row->thread);
  }
  const auto most =
      std::ranges::max_element(threads, {}, [](const auto& line) { return line.second.size(); });
  if (most == threads.end() || most->second.size() < kSeveralPollers) return std::nullopt;
  Nanoseconds waited{};  // while others computed, which cost nobody anything
  Nanoseconds held{};
  std::uint64_t holds = 0;
  for (const auto thread : most->second) {
    const auto& figures = facts.thread(thread)->figures;
    const auto victim = computing.victims().find(thread);
    if (victim != computing.victims().end()) waited = add(waited, victim->second);
    held = add(held, figures.hold_ns);
    holds += figures.holds;
  }
  if (waited == Nanoseconds::zero() || waited < computing.lost() / 2) return std::nullopt;
  auto finding = lines[most->first].told(Kind::BusyPolling, facts);
  finding.culprits.assign(most->second.begin(), most->second.end());
  finding.culprit = finding.culprits.front();
  finding.victims = computing.culprits();  // who computes is the one that would rather go on
  finding.victim = finding.victims.front();
  finding.count = holds;
  finding.lost = add(add(computing.lost(), sorted.brief.lost()), facts.unheld);
  finding.mean_hold = mean(held, holds);
  return finding;
}

// Of the victims of a cause those that are in a convoy, and for how long one of them or more waited: those
// that wait in turns (a client for its server) add up, those that wait side by side do not. No longer than
// the holds.
struct Convoy {
  std::vector<ThreadId> threads;
  Nanoseconds lost{};
};

Convoy find_convoy(const GilFacts& facts, const RunFinding& cause, const Gathering& computing) {
  Convoy convoy;
  for (const auto id : cause.victims) {
    const auto* const thread = facts.thread(id);
    const auto lost = computing.victims().at(id);
    if (thread == nullptr || !is_in_convoy(thread->figures, lost, facts.interval)) continue;
    convoy.threads.push_back(id);
    convoy.lost = add(convoy.lost, lost);
  }
  convoy.lost = std::min(convoy.lost, computing.held());
  return convoy;
}

// Whether those who compute wait for each other, and not only others for them.
bool do_compete(const GilFacts& facts, const RunFinding& cause, const Gathering& computing) {
  Nanoseconds among{};
  for (const auto& [victim, lost] : computing.victims()) {
    const auto* const thread = facts.thread(victim);
    if (thread == nullptr || !is_light(thread->figures, facts.interval)) among = add(among, lost);
  }
  return cause.culprits.size() > 1 && 3 * among >= cause.lost;
}

RunFinding judge_interval(const GilFacts& facts, const Convoy& convoy, Nanoseconds lost) {
  RunFinding finding{.kind = Kind::SwitchInterval,
                     .pid = facts.process->pid,
                     .gil = facts.gil->id,
                     .count = facts.gil->forced,
                     .lost = lost};
  finding.interval = facts.interval;
  const auto change = shorten_interval(convoy.lost, finding.count, mean(facts.unheld, facts.gil->handoffs));
  finding.gain = std::min(change.gain, facts.process->wall_ns);
  finding.cost = change.cost;
  return finding;
}

void find_computing(const GilFacts& facts, const Gathering& computing, std::vector<RunFinding>& found) {
  if (computing.lost() == Nanoseconds::zero()) return;
  auto finding = computing.told(Kind::ComputingThreads, facts);
  const auto convoy = find_convoy(facts, finding, computing);
  const bool is_convoy = !convoy.threads.empty() && !do_compete(facts, finding, computing);
  if (is_convoy || finding.culprits.size() == 1) {
    finding.kind = Kind::Convoy;
  } else {
    finding.hold_share = facts.gil->hold_share;
    if (finding.hold_share > 0.0) finding.at_most = std::max(1.0, 1 / *finding.hold_share);
  }
  if (is_convoy) {
    finding.victims = convoy.threads;
    finding.victim = convoy.threads.front();
    const bool was_shown = facts.gil->forced >= kSeveral;  // that holds end as it does
    if (was_shown && facts.interval >= kWorthShortening)
      found.push_back(judge_interval(facts, convoy, finding.lost));
  }
  found.push_back(std::move(finding));
}

// How long those who waited had the GIL each time they had waited for it, as a rule.
std::optional<Nanoseconds> mean_hold_of(const GilFacts& facts, const std::vector<ThreadId>& threads) {
  Nanoseconds held{};
  std::uint64_t holds = 0;
  for (const auto id : threads) {
    const auto* const thread = facts.thread(id);
    if (thread == nullptr || !is_light(thread->figures, facts.interval)) continue;
    const auto waits = thread->figures.waits;
    const auto all = static_cast<double>(typical_hold(thread->figures).count()) * static_cast<double>(waits);
    held = add(held, round_to_nanoseconds(all));
    holds += waits;
  }
  if (holds == 0) return std::nullopt;
  return mean(held, holds);
}

void find_releases(const GilFacts& facts, const SortedRows& sorted, std::vector<RunFinding>& found) {
  const auto& tasks = sorted.handing_over;
  if (tasks.holds() > 0) {
    auto finding = tasks.told(Kind::TinyTasks, facts);
    finding.mean_hold = mean_hold_of(facts, finding.victims);
    finding.lost = add(finding.lost, facts.unheld);
    found.push_back(std::move(finding));
    return;
  }
  if (sorted.brief.holds() < kLeastWaits) return;
  auto finding = sorted.brief.told(Kind::FrequentReleases, facts);
  // The system wakes a thread after each release, by whatever it ended.
  finding.lost = add(finding.lost, std::min(facts.unheld, finding.lost));
  found.push_back(std::move(finding));
}

// The longest wait of a loop that was a stall; zero where there was none.
Nanoseconds find_stall(const NamedThread& thread) {
  Nanoseconds longest{};
  for (const auto& wait : thread.longest_waits) {
    if (wait.wait_ns >= kStall && is_in_event_loop(wait.stack)) longest = std::max(longest, wait.wait_ns);
  }
  return longest;
}

// Says it with the cause that cost the loop most; one that is the loop's alone gets its kind.
void tell_waiting_loop(const NamedThread& thread, std::vector<RunFinding>& found) {
  const auto stall = find_stall(thread);
  if (stall == Nanoseconds::zero()) return;
  RunFinding* worst = nullptr;
  for (auto& finding : found) {
    const bool is_hit = std::ranges::find(finding.victims, *thread.figures.id) != finding.victims.end();
    if (is_hit && (worst == nullptr || finding.lost > worst->lost)) worst = &finding;
  }
  if (worst == nullptr) return;
  worst->loop_stall = std::max(worst->loop_stall.value_or(Nanoseconds{}), stall);
  if (worst->kind == Kind::KeptByC && worst->victim == thread.figures.id) worst->kind = Kind::StalledLoop;
  worst->victim = thread.figures.id;
}

// A loop that kept the GIL itself: what it ran did not come back to it.
void tell_busy_loop(const NamedThread& thread, const GilFacts& facts, std::vector<RunFinding>& found) {
  const BlameRow* worst = nullptr;
  for (const BlameRow* row : facts.rows) {
    if (row->thread != thread.figures.id || row->max_hold_ns < kStall || !task_of(row->stack)) continue;
    if (is_collection(row->work)) continue;
    if (worst == nullptr || row->max_hold_ns > worst->max_hold_ns) worst = row;
  }
  if (worst == nullptr) return;
  const auto same = std::ranges::find_if(found, [&](const RunFinding& finding) {
    return finding.kind == Kind::KeptByC && finding.culprit == worst->thread && finding.place == worst->to;
  });
  RunFinding finding;
  if (same != found.end()) {
    finding = std::move(*same);
    found.erase(same);
  } else {
    Gathering alone;
    alone.add(*worst, split(*worst).late, worst->holds, worst->max_hold_ns);
    finding = alone.told(Kind::StalledLoop, facts);
  }
  finding.kind = Kind::StalledLoop;
  finding.victim = finding.culprit;
  finding.longest = finding.loop_stall.emplace(worst->max_hold_ns);
  found.push_back(std::move(finding));
}

}  // namespace

IntervalChange shorten_interval(Nanoseconds lost, std::uint64_t forced, Nanoseconds wake) noexcept {
  const auto more = static_cast<double>(kShorterInterval - 1);
  const double gain = static_cast<double>(lost.count()) * more / kShorterInterval;
  const double cost = static_cast<double>(forced) * more * static_cast<double>(wake.count());
  return {.gain = round_to_nanoseconds(gain), .cost = round_to_nanoseconds(cost)};
}

std::vector<RunFinding> find_causes(const GilFacts& facts) {
  std::vector<RunFinding> found;
  if (facts.rows.empty()) return found;
  const auto sorted = sort_rows(facts);
  for (const auto& open : sorted.open) {
    auto finding = open.told(Kind::NeverReleased, facts);
    if (!finding.place) finding.place = open.heaviest()->from;
    found.push_back(std::move(finding));
  }
  for (const auto& late : sorted.late) {
    if (is_collection(late.heaviest()->work)) {
      found.push_back(late.told(Kind::GarbageCollection, facts));
    } else if (is_kept_too_long(late)) {
      found.push_back(late.told(Kind::KeptByC, facts));
    }
  }
  if (auto pollers = find_pollers(facts, sorted)) {
    found.push_back(std::move(*pollers));
  } else {
    find_computing(facts, sorted.computing, found);
    find_releases(facts, sorted, found);
  }
  for (const auto& thread : facts.process->threads) {
    if (!thread.figures.id || thread.figures.gil != facts.gil->id) continue;
    tell_waiting_loop(thread, found);
    tell_busy_loop(thread, facts, found);
  }
  return found;
}

}  // namespace gilscope
