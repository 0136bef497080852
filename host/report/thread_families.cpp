#include "report/thread_families.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "analysis/name_family.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

using FamilyKey = std::pair<GilId, std::string>;

std::uint64_t threads_in(const ThreadFigures& figures) { return std::max<std::uint64_t>(figures.folded, 1); }

ThreadTableRow row_of_one(const NamedThread& thread) {
  const auto& wait = thread.figures.wait;
  return {.thread = thread, .max_wait = wait ? std::optional(wait->max_ns) : std::nullopt};
}

void add_to(ThreadTableRow& sum, const NamedThread& thread) {
  auto& figures = sum.thread.figures;
  const auto& more = thread.figures;
  figures.folded += threads_in(more);
  figures.holds += more.holds;
  figures.hold_ns += more.hold_ns;
  figures.waits += more.waits;
  figures.wait_ns += more.wait_ns;
  figures.forced += more.forced;
  figures.lifetime_ns += more.lifetime_ns;
  if (more.hold_share) figures.hold_share = figures.hold_share.value_or(0) + *more.hold_share;
  figures.wait_share = share_of(figures.wait_ns, figures.lifetime_ns);
  if (more.wait) sum.max_wait = std::max(sum.max_wait.value_or(Nanoseconds{}), more.wait->max_ns);
}

}  // namespace

std::vector<ThreadTableRow> arrange_threads(const ProcessSummary& process, std::size_t few) {
  std::map<FamilyKey, std::uint64_t> sizes;
  const auto key_of = [](const NamedThread& thread) {
    return FamilyKey{thread.figures.gil, name_family(thread.name)};
  };
  for (const auto& thread : process.threads) {
    if (thread.figures.id && !thread.name.empty()) sizes[key_of(thread)] += threads_in(thread.figures);
  }
  std::vector<ThreadTableRow> rows;
  std::map<FamilyKey, std::size_t> places;
  for (const auto& thread : process.threads) {
    const auto key = key_of(thread);
    const auto size = sizes.find(key);
    const bool has_own_row = !thread.figures.id || size == sizes.end() || size->second <= few ||
                             size->second == threads_in(thread.figures);
    if (has_own_row) {
      rows.push_back(row_of_one(thread));
      continue;
    }
    const auto [place, is_first] = places.try_emplace(key, rows.size());
    if (is_first) {
      rows.push_back(
          {.thread = {.figures = {.id = thread.figures.id, .gil = thread.figures.gil}, .name = key.second},
           .max_wait = {}});
    }
    add_to(rows[place->second], thread);
  }
  sort_stably(rows, [](const ThreadTableRow& left, const ThreadTableRow& right) {
    const auto used = [](const ThreadTableRow& row) {
      return row.thread.figures.hold_ns + row.thread.figures.wait_ns;
    };
    return used(right) < used(left);
  });
  return rows;
}

}  // namespace gilscope
