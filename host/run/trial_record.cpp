#include "run/trial_record.h"

#include <type_traits>

#include <nlohmann/json.hpp>

#include "support/error.h"

namespace gilscope {
namespace {

using Json = nlohmann::json;

[[noreturn]] void reject(const std::string& why) {
  throw Error("a trial gave no readable record: " + why, "please report this");
}

// The library would take true for 1, 1.5 for 1, and -1 for a very large unsigned one.
template <typename Integer>
Integer integer(const Json& json, const char* key) {
  const auto& value = json.at(key);
  const bool fits = std::is_unsigned_v<Integer> ? value.is_number_unsigned() : value.is_number_integer();
  if (!fits) reject(std::string(key) + " is not a whole number");
  return value.get<Integer>();
}

Nanoseconds nanoseconds(const Json& json, const char* key) {
  return Nanoseconds(integer<std::int64_t>(json, key));
}

// The library would walk over a lone value as if it were a list of one, and over null as if it were an empty
// one.
const Json& list(const Json& json, const char* key) {
  const auto& value = json.at(key);
  if (!value.is_array()) reject(std::string(key) + " is not a list");
  return value;
}

JobSpan parse_span(const Json& json) {
  const bool has_wait = json.contains("cpu_wait_ns") && !json["cpu_wait_ns"].is_null();
  return {.job = integer<std::size_t>(json, "job"),
          .worker = integer<unsigned>(json, "worker"),
          .pid = integer<std::int64_t>(json, "pid"),
          .begin = nanoseconds(json, "begin_ns"),
          .end = nanoseconds(json, "end_ns"),
          .cpu_begin = nanoseconds(json, "cpu_begin_ns"),
          .cpu_end = nanoseconds(json, "cpu_end_ns"),
          .cpu_wait = has_wait ? std::optional(nanoseconds(json, "cpu_wait_ns")) : std::nullopt};
}

GilWork parse_gil(const Json& json) {
  return {.wall = nanoseconds(json, "wall_ns"),
          .holds = integer<std::uint64_t>(json, "holds"),
          .hold = nanoseconds(json, "hold_ns"),
          .waits = integer<std::uint64_t>(json, "waits"),
          .wait = nanoseconds(json, "wait_ns"),
          .forced = integer<std::uint64_t>(json, "forced"),
          .handoffs = integer<std::uint64_t>(json, "handoffs")};
}

WorkWaits parse_waits(const Json& json) {
  WorkWaits waits{
      .gils = {}, .lock = nanoseconds(json, "lock_wait_ns"), .stopped = nanoseconds(json, "stopped_ns")};
  for (const auto& gil : list(json, "gils")) waits.gils.push_back(parse_gil(gil));
  return waits;
}

TrialFailure::Kind parse_failure_kind(const std::string& name) {
  if (name == "load") return TrialFailure::Kind::Load;
  if (name == "task") return TrialFailure::Kind::Task;
  if (name == "worker") return TrialFailure::Kind::Worker;
  reject("a failure of kind " + name);
}

TrialFailure parse_failure(const Json& json) {
  return {.kind = parse_failure_kind(json.at("kind")),
          .message = json.at("message"),
          .traceback = json.at("traceback")};
}

template <typename Value>
std::optional<Value> optional_value(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional<Value>(json.get<Value>());
}

}  // namespace

TrialRecord parse_trial_record(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    TrialRecord record;
    record.setup = nanoseconds(json, "setup_ns");
    for (const auto& span : list(json, "jobs")) record.jobs.push_back(parse_span(span));
    for (const auto& digest : list(json, "digests")) {
      record.digests.push_back(optional_value<std::string>(digest));
    }
    if (!json.at("peak_rss_bytes").is_null())
      record.peak_rss_bytes = integer<std::uint64_t>(json, "peak_rss_bytes");
    record.gil_enabled = json.at("gil_enabled");
    record.start_method = optional_value<std::string>(json.at("start_method")).value_or("");
    record.slow_modules = list(json, "slow_modules").get<std::vector<std::string>>();
    // A host that was built beside this one may be an older one.
    if (json.contains("waits") && !json["waits"].is_null()) record.waits = parse_waits(json["waits"]);
    if (!json.at("failure").is_null()) record.failure = parse_failure(json.at("failure"));
    // Its figures are computed from them.
    if (!record.failure && (record.jobs.empty() || record.jobs.size() != record.digests.size())) {
      reject("it says of no failure, and of some jobs nothing");
    }
    return record;
  } catch (const Json::exception& error) {
    reject(error.what());
  }
}

}  // namespace gilscope
