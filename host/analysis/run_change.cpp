#include "analysis/run_change.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>

namespace gilscope {
namespace {

// What some threads made of some GILs.
struct Use {
  std::optional<Nanoseconds> wall;
  std::optional<Nanoseconds> cpu;
  Nanoseconds waited{};
  Nanoseconds held{};
  std::uint64_t waits = 0;
  std::uint64_t holds = 0;
  std::uint64_t forced = 0;
  std::uint64_t handoffs = 0;
  Nanoseconds share_waited{};  // of those threads whose waiting says something, and their lifetimes
  Nanoseconds share_lived{};

  // Of a GIL or of a thread.
  template <typename Figures>
  void add(const Figures& figures) {
    waited = gilscope::add(waited, figures.wait_ns);
    held = gilscope::add(held, figures.hold_ns);
    waits += figures.waits;
    holds += figures.holds;
    forced += figures.forced;
  }
  void add_share(const ThreadFigures& thread) {
    share_waited = gilscope::add(share_waited, thread.wait_ns);
    share_lived = gilscope::add(share_lived, thread.lifetime_ns);
  }
};

std::optional<double> number(std::optional<Nanoseconds> time) {
  return time ? std::optional(static_cast<double>(time->count())) : std::nullopt;
}

struct Figure {
  std::string_view name;
  FigureUnit unit;
  std::optional<double> (*of)(const Use&);
};

// In an order in which those of a GIL, and those of a thread, stand together.
constexpr std::array<Figure, 9> kFigures{{
    {"wall_ns", FigureUnit::Time, [](const Use& use) { return number(use.wall); }},
    {"cpu_ns", FigureUnit::Time, [](const Use& use) { return number(use.cpu); }},
    {"wait_share", FigureUnit::Share,
     [](const Use& use) { return share_of(use.share_waited, use.share_lived); }},
    {"wait_ns", FigureUnit::Time, [](const Use& use) { return number(use.waited); }},
    {"waits", FigureUnit::Count,
     [](const Use& use) { return std::optional(static_cast<double>(use.waits)); }},
    {"hold_ns", FigureUnit::Time, [](const Use& use) { return number(use.held); }},
    {"holds", FigureUnit::Count,
     [](const Use& use) { return std::optional(static_cast<double>(use.holds)); }},
    {"forced", FigureUnit::Count,
     [](const Use& use) { return std::optional(static_cast<double>(use.forced)); }},
    {"handoffs", FigureUnit::Count,
     [](const Use& use) { return std::optional(static_cast<double>(use.handoffs)); }},
}};
constexpr std::span<const Figure> kOfProcess(kFigures);
constexpr std::span<const Figure> kOfGil = kOfProcess.subspan(2);
constexpr std::span<const Figure> kOfThread = kOfProcess.subspan(1, 7);

FigureChanges compare(std::span<const Figure> figures, const Use* before, const Use* after) {
  FigureChanges changes;
  for (const auto& figure : figures) {
    changes.push_back({.name = figure.name,
                       .unit = figure.unit,
                       .before = before != nullptr ? figure.of(*before) : std::nullopt,
                       .after = after != nullptr ? figure.of(*after) : std::nullopt});
  }
  return changes;
}

// Both sides of what has the same key.
template <typename Key>
using Pairs = std::map<Key, std::pair<std::optional<Use>, std::optional<Use>>>;

const Use* pointer(const std::optional<Use>& use) { return use ? &*use : nullptr; }

template <typename Key>
Pairs<Key> pair_up(std::map<Key, Use> before, std::map<Key, Use> after) {
  Pairs<Key> pairs;
  for (auto& [key, use] : before) pairs[key].first = std::move(use);
  for (auto& [key, use] : after) pairs[key].second = std::move(use);
  return pairs;
}

void add_process(Use& use, const ProcessSummary& process) {
  for (const auto& gil : process.gils) {
    use.add(gil);
    use.handoffs += gil.handoffs;
  }
  for (const auto& thread : process.threads) {
    if (is_busy(thread, process.wall_ns)) use.add_share(thread.figures);
  }
}

Use use_of(const RunSummary& run) {
  Use use{.wall = run.wall_ns, .cpu = run.cpu_ns};
  for (const auto& process : run.processes) add_process(use, process);
  return use;
}

std::optional<Use> use_of(const ProcessSummary* process) {
  if (process == nullptr) return std::nullopt;
  Use use{.wall = process->wall_ns, .cpu = process->cpu_ns};
  add_process(use, *process);
  return use;
}

std::map<GilId, Use> uses_of_gils(const ProcessSummary* process) {
  std::map<GilId, Use> uses;
  if (process == nullptr) return uses;
  for (const auto& gil : process->gils) {
    uses[gil.id].add(gil);
    uses[gil.id].handoffs = gil.handoffs;
  }
  for (const auto& thread : process->threads) {
    if (is_busy(thread, process->wall_ns)) uses[thread.figures.gil].add_share(thread.figures);
  }
  return uses;
}

std::map<std::string, Use> uses_of_threads(const ProcessSummary* process) {
  std::map<std::string, Use> uses;
  if (process == nullptr) return uses;
  // A thread has a row for each GIL that it used, and its CPU time in each of them.
  std::map<std::pair<std::string, std::optional<ThreadId>>, std::optional<Nanoseconds>> cpu;
  for (const auto& thread : process->threads) {
    Use& use = uses[thread.name];
    use.add(thread.figures);
    use.add_share(thread.figures);
    cpu[{thread.name, thread.figures.id}] = thread.cpu_ns;
  }
  for (auto& [name, use] : uses) use.cpu = Nanoseconds{};
  for (const auto& [key, time] : cpu) {
    auto& sum = uses[key.first].cpu;
    if (sum) sum = time ? std::optional(add(*sum, *time)) : std::nullopt;
  }
  return uses;
}

ProcessChange compare_processes(ProcessRole role, const ProcessSummary* before, const ProcessSummary* after) {
  ProcessChange change{.role = role};
  if (before != nullptr) {
    change.before_pid = before->pid;
    change.before_name = before->name;
  }
  if (after != nullptr) {
    change.after_pid = after->pid;
    change.after_name = after->name;
  }
  const auto was = use_of(before);
  const auto is = use_of(after);
  change.figures = compare(kOfProcess, pointer(was), pointer(is));
  for (const auto& [id, uses] : pair_up(uses_of_gils(before), uses_of_gils(after))) {
    change.gils.push_back({id, compare(kOfGil, pointer(uses.first), pointer(uses.second))});
  }
  for (const auto& [name, uses] : pair_up(uses_of_threads(before), uses_of_threads(after))) {
    change.threads.push_back({name, compare(kOfThread, pointer(uses.first), pointer(uses.second))});
  }
  return change;
}

using Place = std::pair<ProcessRole, std::size_t>;

std::map<Place, const ProcessSummary*> place_processes(const RunSummary& run) {
  std::map<Place, const ProcessSummary*> places;
  std::map<ProcessRole, std::size_t> counts;
  for (const auto& process : run.processes) places[{process.role, counts[process.role]++}] = &process;
  return places;
}

}  // namespace

std::optional<double> FigureChange::difference() const noexcept {
  return before && after ? std::optional(*after - *before) : std::nullopt;
}

std::optional<double> FigureChange::growth() const noexcept {
  const auto change = difference();
  return change && *before > 0 ? std::optional(*change / *before) : std::nullopt;
}

const FigureChange& find_figure(const FigureChanges& figures, std::string_view name) {
  return *std::ranges::find(figures, name, &FigureChange::name);
}

RunChange compare_runs(const RunSummary& before, const RunSummary& after) {
  const Use was = use_of(before);
  const Use is = use_of(after);
  RunChange change{.total = compare(kOfProcess, &was, &is)};
  std::map<Place, std::pair<const ProcessSummary*, const ProcessSummary*>> pairs;
  for (const auto& [place, process] : place_processes(before)) pairs[place].first = process;
  for (const auto& [place, process] : place_processes(after)) pairs[place].second = process;
  for (const auto& [place, processes] : pairs) {
    change.processes.push_back(compare_processes(place.first, processes.first, processes.second));
  }
  return change;
}

Worsening judge_worsening(const RunChange& change, double allowed) {
  const auto& waited = find_figure(change.total, "wait_ns");
  const auto& wall = find_figure(change.total, "wall_ns");
  if (*waited.after <= *waited.before * (1 + allowed)) return Worsening::None;
  // Of a run without a GIL the time is not known.
  const double time = wall.before.value_or(wall.after.value_or(0));
  return *waited.difference() < kLeastGrowth * time ? Worsening::Small : Worsening::Worse;
}

bool is_whole(const RunSummary& run) noexcept {
  const auto& probe = run.probe;
  return run.verdict.kind != RunVerdict::Kind::NothingRecorded && probe.dropped == 0 &&
         probe.losses.unrecorded_processes == 0 && probe.losses.overlooked_gils == 0 &&
         !probe.losses.were_slots_overwritten;
}

}  // namespace gilscope
