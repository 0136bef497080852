#include "analysis/judge_facts.h"

#include <algorithm>

namespace gilscope {
namespace {

// Who waits is woken late, never early: a little more than CPython's own is that one.
Nanoseconds interval_of(const GilFigures& gil) noexcept {
  const auto shown =
      std::clamp(gil.switch_interval.value_or(kSwitchInterval), Nanoseconds(1), kLongestInterval);
  return shown > kSwitchInterval && shown < kSwitchInterval * 13 / 10 ? kSwitchInterval : shown;
}

}  // namespace

const NamedThread* GilFacts::thread(ThreadId id) const {
  const auto found = std::ranges::find_if(process->threads, [&](const NamedThread& row) {
    return row.figures.id == id && row.figures.gil == gil->id;
  });
  return found == process->threads.end() ? nullptr : &*found;
}

Nanoseconds mean(Nanoseconds sum, std::uint64_t count) noexcept {
  if (count == 0) return Nanoseconds::zero();
  return Nanoseconds(
      static_cast<std::int64_t>(static_cast<double>(sum.count()) / static_cast<double>(count)));
}

double GilFacts::waiters() const { return share_of(gil->wait_ns, process->wall_ns).value_or(0); }

std::vector<GilFacts> gather_facts(const std::vector<ProcessSummary>& processes) {
  std::vector<GilFacts> all;
  for (const auto& process : processes) {
    for (const auto& gil : process.gils) {
      GilFacts& facts = all.emplace_back(GilFacts{.process = &process, .gil = &gil});
      facts.interval = interval_of(gil);
      if (!process.blame) continue;
      for (const auto& row : *process.blame) {
        if (row.gil != gil.id) continue;
        if (row.thread && row.holds > 0) {
          facts.rows.push_back(&row);
        } else {
          facts.unheld = add(facts.unheld, row.caused_wait_ns);
        }
      }
    }
  }
  return all;
}

}  // namespace gilscope
