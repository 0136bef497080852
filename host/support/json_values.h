// JSON for values that may be unknown: null, never 0.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "support/time.h"

namespace gilscope {

template <typename Value>
nlohmann::ordered_json or_null(const std::optional<Value>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

inline nlohmann::ordered_json or_null(const std::optional<Nanoseconds>& value) {
  return value ? nlohmann::ordered_json(value->count()) : nlohmann::ordered_json(nullptr);
}

}  // namespace gilscope
