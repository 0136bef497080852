#include "capture/run_notes.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <limits>
#include <string_view>

#include "capture/format.h"
#include "capture/json_file.h"
#include "support/file.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kSchema = "gilscope.run/1";

ordered_json describe(const std::optional<CodePlace>& place) {
  if (!place) return nullptr;
  return {{"file", place->file}, {"line", place->line}, {"function", place->function}};
}

ordered_json describe(const LockWaits& waits) {
  return {
      {"place", describe(waits.place)},
      {"within", waits.within},
      {"is_for_work", waits.is_for_work},
      {"ended_at", describe(waits.ended_at)},
      {"ended_within", waits.ended_within},
      {"threads", waits.threads},
      {"count", waits.count},
      {"ticks", waits.ticks},
      {"by_peers_ticks", waits.by_peers},
      {"longest_ticks", waits.longest},
      {"longest_begin", waits.longest_begin},
      {"longest_thread", static_cast<std::uint32_t>(waits.longest_thread)},
      {"longest_ender", waits.longest_ender ? ordered_json(static_cast<std::uint32_t>(*waits.longest_ender))
                                            : ordered_json(nullptr)},
      {"lock", name_of(waits.lock)},
      {"lock_type", waits.lock_type}};
}

ordered_json describe(const WorldStops& stops) {
  return {{"place", describe(stops.place)},
          {"call", stops.call},
          {"is_collection", stops.is_collection},
          {"count", stops.count},
          {"ticks", stops.ticks},
          {"until_stood_ticks", stops.until_stood},
          {"lost_ticks", stops.lost},
          {"longest_ticks", stops.longest},
          {"longest_begin", stops.longest_begin},
          {"longest_thread", static_cast<std::uint32_t>(stops.longest_thread)}};
}

ordered_json describe(const std::optional<GilReturn>& gil) {
  if (!gil) return nullptr;
  return {{"since", gil->since}, {"place", describe(gil->place)}, {"module", gil->module}};
}

ordered_json describe(const OpenLockWaits& wait) {
  return {{"thread", static_cast<std::uint32_t>(wait.thread)},
          {"place", describe(wait.place)},
          {"within", wait.within},
          {"is_for_work", wait.is_for_work},
          {"since_ticks", wait.since},
          {"holder",
           wait.holder ? ordered_json(static_cast<std::uint32_t>(*wait.holder)) : ordered_json(nullptr)}};
}

ordered_json describe(const ProcessNotes& process) {
  auto threads = ordered_json::array();
  for (const auto& thread : process.threads) {
    threads.push_back({{"id", static_cast<std::uint32_t>(thread.id)},
                       {"name", thread.name},
                       {"cpu_ns", or_null(thread.cpu)},
                       {"cpu_wait_ns", or_null(thread.cpu_wait)},
                       {"has_outlived", thread.has_outlived},
                       {"turn_ticks", or_null(thread.turn_ticks)},
                       {"work_ticks", or_null(thread.work_ticks)},
                       {"world_ticks", or_null(thread.world_ticks)},
                       {"life_ticks", or_null(thread.life_ticks)}});
  }
  auto steps = ordered_json::array();
  for (const auto& step : process.steps) {
    steps.push_back({{"thread", static_cast<std::uint32_t>(step.thread)},
                     {"file", step.place.file},
                     {"line", step.place.line},
                     {"function", step.place.function},
                     {"count", step.count},
                     {"alone", step.alone},
                     {"ticks", step.ticks},
                     {"longest_ticks", step.longest},
                     {"longest_begin", step.longest_begin}});
  }
  auto waits = ordered_json::array();
  for (const auto& wait : process.lock_waits) waits.push_back(describe(wait));
  auto open_waits = ordered_json::array();
  for (const auto& wait : process.open_lock_waits) open_waits.push_back(describe(wait));
  auto stops = ordered_json::array();
  for (const auto& stop : process.stops) stops.push_back(describe(stop));
  return {{"pid", process.pid},
          {"parent_pid", process.parent_pid},
          {"start_method", process.start_method},
          {"name", process.name},
          {"begin_ticks", process.begin},
          {"end_ticks", or_null(process.end)},
          {"cpu_ns", or_null(process.cpu)},
          {"became_program", process.became_program},
          {"hooks",
           {{"timed", process.hooks.timed},
            {"acquires", process.hooks.acquires},
            {"ticks", process.hooks.ticks},
            {"work_ticks", process.hooks.work_ticks}}},
          {"threads", std::move(threads)},
          {"loop_steps", std::move(steps)},
          {"further_loop_steps", process.further_steps},
          {"lock_waits", std::move(waits)},
          {"further_lock_waits", process.further_lock_waits},
          {"open_lock_waits", std::move(open_waits)},
          {"stops", std::move(stops)},
          {"further_stops", process.further_stops},
          {"spun_waits", {{"count", process.spins}, {"ticks", process.spin_ticks}}},
          {"gil_return", describe(process.gil_return)}};
}

struct OutOfRange : std::exception {};

// The library would cut a number to the type, without a word.
std::uint64_t checked_number(const json& value, std::uint64_t max) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > max) throw OutOfRange();
  return value.get<std::uint64_t>();
}

std::uint64_t number_at(const json& object, const char* key, std::uint64_t max) {
  return checked_number(object.at(key), max);
}

std::optional<std::uint64_t> optional_number_at(const json& object, const char* key, std::uint64_t max) {
  return object.at(key).is_null() ? std::nullopt : std::optional(number_at(object, key, max));
}

std::optional<Nanoseconds> time_at(const json& object, const char* key) {
  const auto time = optional_number_at(object, key, kMaxTicks);
  return time ? std::optional(Nanoseconds(static_cast<std::int64_t>(*time))) : std::nullopt;
}

std::optional<double> cost_at(const json& object, const char* key) {
  const auto& value = object.at(key);
  if (value.is_null()) return std::nullopt;
  constexpr double kSecond = 1e9;
  const auto cost = value.get<double>();
  if (cost < 0 || cost > kSecond) throw OutOfRange();
  return cost;
}

std::optional<double> share_at(const json& object, const char* key) {
  const auto& value = object.at(key);
  if (value.is_null()) return std::nullopt;
  const auto share = value.get<double>();
  if (std::isnan(share) || share < 0 || share > 1) throw OutOfRange();
  return share;
}

HookTimes hooks_at(const json& object) {
  return {.timed = number_at(object, "timed", kMaxTicks),
          .acquires = number_at(object, "acquires", kMaxTicks),
          .ticks = number_at(object, "ticks", kMaxTicks),
          .work_ticks = number_at(object, "work_ticks", kMaxTicks)};
}

CodePlace place_of(const json& object) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  return {.file = object.at("file").get<std::string>(),
          .function = object.at("function").get<std::string>(),
          .line = static_cast<std::uint32_t>(number_at(object, "line", kMax))};
}

LoopSteps steps_at(const json& object) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  LoopSteps steps{.thread = ThreadId{static_cast<std::uint32_t>(number_at(object, "thread", kMax))},
                  .place = place_of(object),
                  .count = number_at(object, "count", kMaxTicks),
                  .alone = number_at(object, "alone", kMaxTicks),
                  .ticks = number_at(object, "ticks", kMaxTicks),
                  .longest = number_at(object, "longest_ticks", kMaxTicks),
                  .longest_begin = number_at(object, "longest_begin", kMaxTicks)};
  if (steps.count == 0 || steps.alone > steps.count || steps.longest > steps.ticks) throw OutOfRange();
  return steps;
}

LockWaits lock_waits_at(const json& object) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  LockWaits waits{
      .within = object.at("within").get<std::string>(),
      .is_for_work = object.at("is_for_work").get<bool>(),
      .ended_within = object.at("ended_within").get<std::string>(),
      .threads = number_at(object, "threads", kMax),
      .count = number_at(object, "count", kMaxTicks),
      .ticks = number_at(object, "ticks", kMaxTicks),
      .by_peers = number_at(object, "by_peers_ticks", kMaxTicks),
      .longest = number_at(object, "longest_ticks", kMaxTicks),
      .longest_begin = number_at(object, "longest_begin", kMaxTicks),
      .longest_thread = ThreadId{static_cast<std::uint32_t>(number_at(object, "longest_thread", kMax))}};
  if (!object.at("place").is_null()) waits.place = place_of(object.at("place"));
  if (!object.at("ended_at").is_null()) waits.ended_at = place_of(object.at("ended_at"));
  if (const auto ender = optional_number_at(object, "longest_ender", kMax))
    waits.longest_ender = ThreadId{static_cast<std::uint32_t>(*ender)};
  if (waits.count == 0 || waits.longest > waits.ticks || waits.by_peers > waits.ticks) throw OutOfRange();
  if (object.contains("lock")) {  // later
    const auto kind = lock_kind_of(object.at("lock").get<std::string>());
    if (!kind) throw OutOfRange();
    waits.lock = *kind;
    waits.lock_type = object.at("lock_type").get<std::string>();
  }
  return waits;
}

OpenLockWaits open_lock_wait_at(const json& object) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  OpenLockWaits wait{.thread = ThreadId{static_cast<std::uint32_t>(number_at(object, "thread", kMax))},
                     .within = object.at("within").get<std::string>(),
                     .is_for_work = object.at("is_for_work").get<bool>(),
                     .since = number_at(object, "since_ticks", kMaxTicks)};
  if (!object.at("place").is_null()) wait.place = place_of(object.at("place"));
  if (const auto holder = optional_number_at(object, "holder", kMax))
    wait.holder = ThreadId{static_cast<std::uint32_t>(*holder)};
  return wait;
}

WorldStops stops_at(const json& object) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  WorldStops stops{
      .call = object.at("call").get<std::string>(),
      .is_collection = object.at("is_collection").get<bool>(),
      .count = number_at(object, "count", kMaxTicks),
      .ticks = number_at(object, "ticks", kMaxTicks),
      .until_stood = number_at(object, "until_stood_ticks", kMaxTicks),
      .lost = number_at(object, "lost_ticks", kMaxTicks),
      .longest = number_at(object, "longest_ticks", kMaxTicks),
      .longest_begin = number_at(object, "longest_begin", kMaxTicks),
      .longest_thread = ThreadId{static_cast<std::uint32_t>(number_at(object, "longest_thread", kMax))}};
  if (!object.at("place").is_null()) stops.place = place_of(object.at("place"));
  if (stops.count == 0 || stops.longest > stops.ticks || stops.until_stood > stops.ticks) throw OutOfRange();
  return stops;
}

std::int64_t pid_of(const json& value) {
  constexpr std::uint64_t kMaxPid = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int64_t>(checked_number(value, kMaxPid));
}

ProcessNotes parse_process(const json& object) {
  ProcessNotes process{.pid = pid_of(object.at("pid")),
                       .parent_pid = pid_of(object.at("parent_pid")),
                       .start_method = object.at("start_method").get<std::string>(),
                       .name = object.value("name", ""),  // older captures have none
                       .begin = number_at(object, "begin_ticks", kMaxTicks),
                       .end = optional_number_at(object, "end_ticks", kMaxTicks),
                       .cpu = time_at(object, "cpu_ns")};
  if (process.end && *process.end < process.begin) throw OutOfRange();
  process.became_program = object.value("became_program", false);              // likewise
  if (object.contains("hooks")) process.hooks = hooks_at(object.at("hooks"));  // older captures have none
  for (const auto& thread : object.at("threads")) {
    constexpr std::uint64_t kMaxId = std::numeric_limits<std::uint32_t>::max();
    process.threads.push_back({.id = ThreadId{static_cast<std::uint32_t>(number_at(thread, "id", kMaxId))},
                               .name = thread.at("name").get<std::string>(),
                               .cpu = time_at(thread, "cpu_ns")});
    if (thread.contains("cpu_wait_ns"))
      process.threads.back().cpu_wait = time_at(thread, "cpu_wait_ns");         // likewise
    process.threads.back().has_outlived = thread.value("has_outlived", false);  // likewise, all three
    if (!thread.contains("turn_ticks")) continue;
    process.threads.back().turn_ticks = optional_number_at(thread, "turn_ticks", kMaxTicks);
    process.threads.back().work_ticks = optional_number_at(thread, "work_ticks", kMaxTicks);
    if (!thread.contains("world_ticks")) continue;
    process.threads.back().world_ticks = optional_number_at(thread, "world_ticks", kMaxTicks);
    process.threads.back().life_ticks = optional_number_at(thread, "life_ticks", kMaxTicks);
  }
  if (object.contains("loop_steps")) {  // likewise
    for (const auto& steps : object.at("loop_steps")) process.steps.push_back(steps_at(steps));
  }
  if (object.contains("further_loop_steps"))  // likewise
    process.further_steps = number_at(object, "further_loop_steps", kMaxTicks);
  if (object.contains("lock_waits")) {  // likewise
    for (const auto& waits : object.at("lock_waits")) process.lock_waits.push_back(lock_waits_at(waits));
    process.further_lock_waits = number_at(object, "further_lock_waits", kMaxTicks);
  }
  if (object.contains("open_lock_waits")) {  // likewise
    for (const auto& wait : object.at("open_lock_waits"))
      process.open_lock_waits.push_back(open_lock_wait_at(wait));
  }
  if (object.contains("stops")) {  // likewise
    for (const auto& stops : object.at("stops")) process.stops.push_back(stops_at(stops));
    process.further_stops = number_at(object, "further_stops", kMaxTicks);
    process.spins = number_at(object.at("spun_waits"), "count", kMaxTicks);
    process.spin_ticks = number_at(object.at("spun_waits"), "ticks", kMaxTicks);
    if (const auto& gil = object.at("gil_return"); !gil.is_null()) {
      process.gil_return = GilReturn{.since = number_at(gil, "since", kMaxTicks),
                                     .place = {},
                                     .module = gil.at("module").get<std::string>()};
      if (!gil.at("place").is_null()) process.gil_return->place = place_of(gil.at("place"));
    }
  }
  return process;
}

RunNotes parse_notes(const json& document) {
  constexpr std::uint64_t kMaxCount = std::numeric_limits<std::uint32_t>::max();
  constexpr std::uint64_t kMaxExitCode = 255;
  RunNotes notes{.has_gil = document.at("has_gil").get<bool>(),
                 .pair_cost_ns = cost_at(document, "pair_cost_ns"),
                 .losses = {.unrecorded_processes = number_at(document, "unrecorded_processes", kMaxCount),
                            .overlooked_gils = number_at(document, "overlooked_gils", kMaxCount),
                            .were_slots_overwritten = document.at("overwritten").get<bool>(),
                            .are_stacks_unreadable = document.at("stacks_unreadable").get<bool>()}};
  if (document.contains("suspended_ns")) {  // older captures have none
    notes.losses.suspended = time_at(document, "suspended_ns").value_or(Nanoseconds{});
  }
  if (document.contains("throttled_ns")) {  // likewise
    notes.losses.throttled = time_at(document, "throttled_ns").value_or(Nanoseconds{});
  }
  notes.ended_by = document.value("ended_by", "");  // likewise
  if (document.contains("unrecorded_programs")) {
    for (const auto& program : document.at("unrecorded_programs")) {
      notes.losses.unrecorded_programs.push_back({.command = program.at("command").get<std::string>(),
                                                  .count = number_at(program, "count", kMaxCount)});
    }
  }
  if (document.contains("unseen_cpu_share"))
    notes.losses.unseen_cpu_share = share_at(document, "unseen_cpu_share");
  if (const auto code = optional_number_at(document, "exit_code", kMaxExitCode)) {
    notes.exit_code = static_cast<int>(*code);
  }
  for (const auto& process : document.at("processes")) notes.processes.push_back(parse_process(process));
  for (const auto& pid : document.value("running", json::array())) {  // older captures have none
    notes.running.push_back(pid_of(pid));
  }
  return notes;
}

}  // namespace

void write_run_notes(const std::filesystem::path& folder, const RunNotes& notes) {
  auto processes = ordered_json::array();
  for (const auto& process : notes.processes) processes.push_back(describe(process));
  auto programs = ordered_json::array();
  for (const auto& program : notes.losses.unrecorded_programs) {
    programs.push_back({{"command", program.command}, {"count", program.count}});
  }
  const ordered_json document{{"schema", kSchema},
                              {"has_gil", notes.has_gil},
                              {"exit_code", or_null(notes.exit_code)},
                              {"ended_by", notes.ended_by},
                              {"running", notes.running},
                              {"pair_cost_ns", or_null(notes.pair_cost_ns)},
                              {"unrecorded_processes", notes.losses.unrecorded_processes},
                              {"overlooked_gils", notes.losses.overlooked_gils},
                              {"overwritten", notes.losses.were_slots_overwritten},
                              {"stacks_unreadable", notes.losses.are_stacks_unreadable},
                              {"suspended_ns", notes.losses.suspended.count()},
                              {"throttled_ns", notes.losses.throttled.count()},
                              {"unrecorded_programs", std::move(programs)},
                              {"unseen_cpu_share", or_null(notes.losses.unseen_cpu_share)},
                              {"processes", std::move(processes)}};
  OutputFile(folder / kNotesFile, Existing::Overwrite).write(json_file_text(document));
}

std::optional<RunNotes> read_run_notes(const std::filesystem::path& folder) {
  const auto file = folder / kNotesFile;
  if (!std::filesystem::exists(file)) return std::nullopt;
  const json document = read_json(file);
  if (!document.is_object() || document.value("schema", json()) != kSchema) {
    reject_json(file, "the schema gilscope.run/1");
  }
  try {
    return parse_notes(document);
  } catch (const json::exception&) {
    reject_json(file, "what a run notes at its end");
  } catch (const OutOfRange&) {
    reject_json(file, "numbers that a run can note");
  }
}

}  // namespace gilscope
