#include "analysis/judge_deadlocks.h"

#include <algorithm>
#include <map>
#include <set>

namespace gilscope {
namespace {

using OpenWaits = std::map<ThreadId, const OpenLockWait*>;

RunFinding told(const ProcessSummary& process, const std::vector<const OpenLockWait*>& waits) {
  RunFinding finding{.kind = RunFinding::Kind::Deadlock, .pid = process.pid};
  Nanoseconds since{};
  for (const auto* wait : waits) {
    finding.victims.push_back(wait->thread);
    since = std::max(since, wait->since_ns);
  }
  const auto* const first = waits.front();
  finding.victim = first->thread;
  finding.place = first->place;
  finding.threads = waits.size();
  finding.count = waits.size();
  finding.since = since;
  finding.longest = process.wall_ns - since;
  return finding;
}

// From thread to thread, each of which has the lock that the one before waits for, up to one that was there
// already, or that waits for no such lock.
std::vector<const OpenLockWait*> chain_from(const OpenLockWait& first, const OpenWaits& waits) {
  std::vector<const OpenLockWait*> chain;
  std::set<ThreadId> seen;
  for (const OpenLockWait* wait = &first; wait != nullptr && seen.insert(wait->thread).second;) {
    chain.push_back(wait);
    const auto next = wait->holder ? waits.find(*wait->holder) : waits.end();
    wait = next == waits.end() ? nullptr : next->second;
  }
  return chain;
}

bool is_circle(const std::vector<const OpenLockWait*>& chain) {
  return chain.back()->holder == chain.front()->thread;
}

// Until another thread has ended, rather than for what may come from outside.
bool waits_for_thread(const OpenLockWait& wait) {
  return wait.within == "Thread.join" || wait.within == "_shutdown";
}

}  // namespace

std::vector<RunFinding> find_deadlocks(const ProcessSummary& process, bool has_ended) {
  OpenWaits waits;
  std::vector<const OpenLockWait*> turns;
  for (const auto& wait : process.open_lock_waits) {
    waits[wait.thread] = &wait;
    if (!wait.is_for_work) turns.push_back(&wait);
  }
  std::vector<RunFinding> found;
  std::set<ThreadId> told_of;
  for (const auto* wait : turns) {
    if (told_of.contains(wait->thread)) continue;
    const auto chain = chain_from(*wait, waits);
    if (!is_circle(chain)) continue;
    for (const auto* one : chain) told_of.insert(one->thread);
    found.push_back(told(process, chain));
  }
  if (!found.empty() || turns.empty()) return found;
  const bool is_main_ending = has_ended && !waits.contains(ThreadId{static_cast<std::uint32_t>(process.pid)});
  const bool all_wait = waits.size() + (is_main_ending ? 1 : 0) >= process.living_threads;
  const bool can_be_woken = std::ranges::any_of(
      waits, [](const auto& entry) { return entry.second->is_for_work && !waits_for_thread(*entry.second); });
  if (!all_wait || can_be_woken) return found;
  for (const auto* wait : turns) {
    const auto chain = chain_from(*wait, waits);
    if (chain.size() > 1 && chain.back()->is_for_work) return {told(process, chain)};
  }
  if (turns.size() >= 2) found.push_back(told(process, turns));
  return found;
}

}  // namespace gilscope
