// What a thread did with the GIL that no line of Python code says: as captures tell it, in a place of no
// file. Pure.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "capture/code_stacks.h"
#include "probe/work_place.h"

namespace gilscope {

struct HeldWork {
  WorkKind kind{};
  std::string name;  // as WorkKind has it

  friend auto operator<=>(const HeldWork&, const HeldWork&) = default;
};

// Empty of a line of code.
[[nodiscard]] std::optional<HeldWork> work_of(const CodePlace& place);

// A collection of garbage: known by its begin and end, where other work is what somebody saw who waited.
[[nodiscard]] bool is_collection(const std::optional<HeldWork>& work);

// "call", "freeing", "collection", "collect", as the JSON has it.
[[nodiscard]] std::string_view name_of(WorkKind kind) noexcept;

}  // namespace gilscope
