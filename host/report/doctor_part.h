// What every other document tells of Python and of the machine: a part of doctor's JSON.
#pragma once

#include <initializer_list>
#include <string_view>

#include <nlohmann/json.hpp>

#include "support/machine.h"

namespace gilscope {

// Of each key what doctor said of it, or null.
inline nlohmann::ordered_json pick(const nlohmann::ordered_json& doctor,
                                   std::initializer_list<const char*> keys) {
  nlohmann::ordered_json picked;
  for (const auto* key : keys)
    picked[key] = doctor.contains(key) ? doctor[key] : nlohmann::ordered_json(nullptr);
  return picked;
}

[[nodiscard]] constexpr std::string_view name_of(ClockKind kind) noexcept {
  return kind == ClockKind::Tsc ? "tsc" : "monotonic";
}

inline nlohmann::ordered_json python_json(const nlohmann::ordered_json& doctor) {
  return pick(doctor, {"version", "implementation", "executable", "linkage", "free_threaded", "config_args"});
}

inline nlohmann::ordered_json machine_json(const nlohmann::ordered_json& doctor) {
  return pick(doctor, {"cpus", "usable_cpus", "model"});
}

}  // namespace gilscope
