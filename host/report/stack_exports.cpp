#include "report/stack_exports.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "analysis/blamed_stacks.h"
#include "report/text.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kNobody = "(nobody held the GIL)";
constexpr std::string_view kUnknownLines = "(lines not known)";

std::string name_of(const ProcessRecord& process) {
  return describe_process(process.pid, process.name, start_method_of_role(process.role));
}

std::string name_of(const ProcessRecord& process, std::optional<ThreadId> thread) {
  if (!thread) return std::string(kNobody);
  const auto known = std::ranges::find(process.threads, *thread, &ThreadRecord::id);
  return describe_thread(*thread, known == process.threads.end() ? std::string_view() : known->name);
}

// A frame of a collapsed stack ends at a ';', a stack at the end of its line.
std::string as_frame(std::string_view name) {
  std::string frame = replace_controls(nlohmann::json::parse(quote_json(name)).get<std::string>());
  std::ranges::replace(frame, ';', ':');
  return frame;
}

std::vector<CodePlace> outermost_first(const std::vector<CodePlace>& stack) {
  return {stack.rbegin(), stack.rend()};
}

// Each place once, by its number in speedscope's list.
class Frames {
 public:
  std::size_t number_of(const CodePlace& place) {
    const auto [at, is_new] = numbers_.try_emplace(place, json_.size());
    if (is_new) {
      ordered_json frame{{"name", place.function}, {"file", place.file}};
      if (place.line > 0) frame["line"] = place.line;
      json_.push_back(std::move(frame));
    }
    return at->second;
  }
  std::size_t number_of(std::string_view name) {
    const auto [at, is_new] = others_.try_emplace(std::string(name), json_.size());
    if (is_new) json_.push_back({{"name", name}});
    return at->second;
  }
  [[nodiscard]] const ordered_json& json() const noexcept { return json_; }

 private:
  std::map<CodePlace, std::size_t> numbers_;
  std::map<std::string, std::size_t> others_;
  ordered_json json_ = ordered_json::array();
};

ordered_json profile_of(const std::string& name, const std::vector<const BlamedStack*>& rows,
                        Frames& frames) {
  auto samples = ordered_json::array();
  auto weights = ordered_json::array();
  Nanoseconds sum{};
  for (const auto* const row : rows) {
    auto sample = ordered_json::array();
    for (const auto& place : outermost_first(row->stack)) sample.push_back(frames.number_of(place));
    if (sample.empty()) sample.push_back(frames.number_of(row->thread ? kUnknownLines : kNobody));
    samples.push_back(std::move(sample));
    weights.push_back(row->caused_wait.count());
    sum = add(sum, row->caused_wait);
  }
  return {{"type", "sampled"},
          {"name", name},
          {"unit", "nanoseconds"},
          {"startValue", 0},
          {"endValue", sum.count()},
          {"samples", std::move(samples)},
          {"weights", std::move(weights)}};
}

}  // namespace

void write_flamegraph(const RecordedRun& run, const TextSink& sink) {
  for (const auto& process : run.processes) {
    for (const auto& row : list_blamed_stacks(process)) {
      std::string line = as_frame(name_of(process)) + ';' + as_frame(name_of(process, row.thread));
      if (row.thread && row.stack.empty()) line.append(1, ';').append(kUnknownLines);
      for (const auto& place : outermost_first(row.stack)) line += ';' + as_frame(describe_frame(place));
      sink(fmt::format("{} {}\n", line, row.caused_wait.count()));
    }
  }
}

void write_speedscope(const RecordedRun& run, const std::string& name, const TextSink& sink) {
  Frames frames;
  auto profiles = ordered_json::array();
  for (const auto& process : run.processes) {
    const auto list = list_blamed_stacks(process);
    std::vector<std::optional<ThreadId>> threads;  // who caused most comes first
    std::map<std::optional<ThreadId>, std::vector<const BlamedStack*>> rows;
    for (const auto& row : list) {
      auto& of_thread = rows[row.thread];
      if (of_thread.empty()) threads.push_back(row.thread);
      of_thread.push_back(&row);
    }
    for (const auto& thread : threads) {
      const auto title = fmt::format("{}: {}", name_of(process), name_of(process, thread));
      profiles.push_back(profile_of(title, rows[thread], frames));
    }
  }
  const ordered_json document{{"$schema", "https://www.speedscope.app/file-format-schema.json"},
                              {"name", name},
                              {"exporter", "gilscope"},
                              {"shared", {{"frames", frames.json()}}},
                              {"profiles", profiles}};
  sink(dump_json(document) + '\n');
}

}  // namespace gilscope
