#include "capture/run_notes.h"

#include <string_view>

#include "capture/json_file.h"
#include "support/file.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kSchema = "gilscope.run/1";

ordered_json describe(const ProcessNotes& process) {
  auto threads = ordered_json::array();
  for (const auto& thread : process.threads) {
    threads.push_back({{"id", static_cast<std::uint32_t>(thread.id)},
                       {"name", thread.name},
                       {"cpu_ns", or_null(thread.cpu)}});
  }
  return {{"pid", process.pid},
          {"parent_pid", process.parent_pid},
          {"start_method", process.start_method},
          {"begin_ticks", process.begin},
          {"end_ticks", or_null(process.end)},
          {"cpu_ns", or_null(process.cpu)},
          {"threads", std::move(threads)}};
}

template <typename Value>
std::optional<Value> optional_at(const json& object, const char* key) {
  const auto& value = object.at(key);
  return value.is_null() ? std::nullopt : std::optional(value.get<Value>());
}

std::optional<Nanoseconds> time_at(const json& object, const char* key) {
  const auto time = optional_at<std::int64_t>(object, key);
  return time ? std::optional(Nanoseconds(*time)) : std::nullopt;
}

ProcessNotes parse_process(const json& object) {
  ProcessNotes process{.pid = object.at("pid").get<std::int64_t>(),
                       .parent_pid = object.at("parent_pid").get<std::int64_t>(),
                       .start_method = object.at("start_method").get<std::string>(),
                       .begin = object.at("begin_ticks").get<std::uint64_t>(),
                       .end = optional_at<std::uint64_t>(object, "end_ticks"),
                       .cpu = time_at(object, "cpu_ns")};
  for (const auto& thread : object.at("threads")) {
    process.threads.push_back({.id = ThreadId{thread.at("id").get<std::uint32_t>()},
                               .name = thread.at("name").get<std::string>(),
                               .cpu = time_at(thread, "cpu_ns")});
  }
  return process;
}

}  // namespace

void write_run_notes(const std::filesystem::path& folder, const RunNotes& notes) {
  auto processes = ordered_json::array();
  for (const auto& process : notes.processes) processes.push_back(describe(process));
  const ordered_json document{{"schema", kSchema},
                              {"exit_code", or_null(notes.exit_code)},
                              {"pair_cost_ns", or_null(notes.pair_cost_ns)},
                              {"unrecorded_processes", notes.losses.unrecorded_processes},
                              {"overlooked_gils", notes.losses.overlooked_gils},
                              {"overwritten", notes.losses.were_slots_overwritten},
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
    RunNotes notes{
        .exit_code = optional_at<int>(document, "exit_code"),
        .pair_cost_ns = optional_at<double>(document, "pair_cost_ns"),
        .losses = {.unrecorded_processes = document.at("unrecorded_processes").get<std::uint64_t>(),
                   .overlooked_gils = document.at("overlooked_gils").get<std::uint64_t>(),
                   .were_slots_overwritten = document.at("overwritten").get<bool>()}};
    for (const auto& process : document.at("processes")) notes.processes.push_back(parse_process(process));
    return notes;
  } catch (const json::exception&) {
    reject_json(file, "what a run notes at its end");
  }
}

}  // namespace gilscope
