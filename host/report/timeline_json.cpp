#include "report/timeline_json.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "support/sort_stably.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

ordered_json cells_json(const TimelineCells& cells) {
  auto list = ordered_json::array();
  std::uint64_t end = 0;
  for (const auto& cell : cells.cells()) {
    for (const std::uint64_t number :
         {cell.bin - end, cell.bins, cell.hold_ticks, cell.wait_ticks, cell.lock_ticks,
          std::uint64_t{cell.holds}, std::uint64_t{cell.waits}, std::uint64_t{cell.lock_waits}}) {
      list.push_back(number);
    }
    end = cell.bin + cell.bins;
  }
  return list;
}

ordered_json counts_json(const DurationCounts& counts) {
  auto list = ordered_json::array();
  for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) {
    const auto& [count, ticks] = counts[bucket];
    if (count > 0) list.push_back(ordered_json::array({bucket, count, ticks}));
  }
  return list;
}

ordered_json row_json(const TimelineRow& row, const TimelineProcess& process) {
  const auto name = process.threads.find(row.thread);
  return {{"gil", static_cast<std::uint32_t>(row.gil)},
          {"thread", static_cast<std::uint32_t>(row.thread)},
          {"name", name == process.threads.end() ? ordered_json(nullptr) : ordered_json(name->second)},
          {"bin_bits", row.cells.bin_bits()},
          {"cells", cells_json(row.cells)},
          {"holds", counts_json(row.holds)},
          {"waits", counts_json(row.waits)}};
}

// By GIL, then as they began: bin 0 of one row and bin 0 of another are not equally long.
auto order_of(const TimelineRow& row) {
  return std::tuple(row.gil, row.cells.cells().front().bin << row.cells.bin_bits());
}

}  // namespace

ordered_json timeline_json(const Timeline& timeline, const std::vector<TimelineProcess>& processes) {
  std::vector<std::vector<const TimelineRow*>> rows(processes.size());
  for (const auto& row : timeline.rows()) rows.at(row.process).push_back(&row);
  auto list = ordered_json::array();
  for (std::size_t i = 0; i < processes.size(); ++i) {
    sort_stably(rows[i], [](const TimelineRow* left, const TimelineRow* right) {
      return order_of(*left) < order_of(*right);
    });
    auto rows_of_it = ordered_json::array();
    for (const auto* row : rows[i]) rows_of_it.push_back(row_json(*row, processes[i]));
    if (rows_of_it.empty()) continue;
    list.push_back({{"pid", processes[i].pid},
                    {"name", processes[i].name},
                    {"begin", processes[i].begin},
                    {"end", processes[i].end},
                    {"rows", std::move(rows_of_it)}});
  }
  auto limits = ordered_json::array();
  for (std::size_t bucket = 0; bucket < DurationBuckets::kBuckets; ++bucket) {
    limits.push_back(DurationBuckets::limit(bucket).count());
  }
  return {{"tick_ns", timeline.tick().ns},
          {"length", timeline.length()},
          {"rows_left_out", timeline.rows_left_out()},
          {"duration_limits_ns", std::move(limits)},
          {"processes", std::move(list)}};
}

}  // namespace gilscope
