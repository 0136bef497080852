// JSON for values that may be unknown: null, never 0; and its text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

inline nlohmann::ordered_json text_or_null(std::string_view text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

// In one line, or indented. Names, paths and messages may be bytes of any kind: what is no UTF-8 becomes
// U+FFFD.
[[nodiscard]] std::string dump_json(const nlohmann::ordered_json& document, int indent = -1);

}  // namespace gilscope
