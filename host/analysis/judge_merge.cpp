#include "analysis/judge_merge.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "analysis/user_code.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

using Kind = RunFinding::Kind;

}  // namespace

bool is_stuck(RunFinding::Kind kind) noexcept {
  return kind == Kind::NeverReleased || kind == Kind::Deadlock;
}

bool has_culprit(RunFinding::Kind kind) noexcept {
  return kind == Kind::NeverReleased || kind == Kind::KeptByC || kind == Kind::StalledLoop ||
         kind == Kind::GarbageCollection;
}

bool is_beside_gil(RunFinding::Kind kind) noexcept {
  return kind == Kind::LockTurns || kind == Kind::SharedObject || kind == Kind::StoppedWorld ||
         kind == Kind::GilReturn;
}

void merge_processes(std::vector<RunFinding>& found) {
  std::map<std::tuple<Kind, std::optional<HeldWork>, std::string, std::string, std::string, std::string,
                      std::uint32_t>,
           std::size_t>
      places;
  std::vector<RunFinding> merged;
  sort_stably(found, [](const auto& left, const auto& right) { return left.lost > right.lost; });
  for (auto& finding : found) {
    if ((!finding.place && !finding.work) || is_stuck(finding.kind)) {
      merged.push_back(std::move(finding));
      continue;
    }
    const auto place = finding.place ? place_to_look_at(*finding.place, finding.stack) : CodePlace{};
    const bool is_of_line = has_culprit(finding.kind) || is_beside_gil(finding.kind);
    const auto& about = finding.kind == Kind::GilReturn ? finding.module : finding.object_type;
    const auto [known, is_new] = places.try_emplace({finding.kind, finding.work, place.file, place.function,
                                                     finding.within, about, is_of_line ? place.line : 0},
                                                    merged.size());
    if (is_new) {
      merged.push_back(std::move(finding));
      continue;
    }
    RunFinding& first = merged[known->second];
    first.count += finding.count;
    first.lost = add(first.lost, finding.lost);
    first.longest = std::max(first.longest, finding.longest);
    if (finding.stood_still) {
      first.stood_still = add(first.stood_still.value_or(Nanoseconds{}), *finding.stood_still);
    }
    if (finding.lock_wait) {
      first.lock_wait = add(first.lock_wait.value_or(Nanoseconds{}), *finding.lock_wait);
      first.threads += finding.threads;
    }
    if (first.pid != finding.pid) ++first.processes;
  }
  found = std::move(merged);
}

}  // namespace gilscope
