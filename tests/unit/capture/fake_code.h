// Code without a Python: places that a test names, each a code object of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "capture/code_stacks.h"
#include "probe/code_point.h"

namespace gilscope::test {

class FakeCode final : public CodeReader {
 public:
  explicit FakeCode(std::vector<CodePlace> places) : places_(std::move(places)), lives_(places_.size()) {}

  [[nodiscard]] CodePoint point(std::size_t index) const {
    return {.code = &places_.at(index),
            .instruction = static_cast<std::int32_t>(2 * index),
            .life = lives_.at(index)};
  }
  // The code object dies, and that of another place gets its address.
  void replace(std::size_t index, CodePlace place) {
    places_.at(index) = std::move(place);
    ++lives_.at(index);
  }

  [[nodiscard]] bool describe(const CodePoint& point, CodeWords& words) const noexcept override {
    ++described;
    const auto& place = *static_cast<const CodePlace*>(point.code);
    words.line = place.line;
    words.file_bytes = place.file.copy(words.file_text.data(), words.file_text.size());
    words.function_bytes = place.function.copy(words.function_text.data(), words.function_text.size());
    return !is_dying;
  }

  mutable std::size_t described = 0;  // times
  bool is_dying = false;

 private:
  std::vector<CodePlace> places_;
  std::vector<std::uint64_t> lives_;
};

// None where there is no stack.
inline std::vector<CodePlace> places_of(const CodeStacks& stacks, std::optional<StackId> stack) {
  return stack ? stacks.places_of(*stack) : std::vector<CodePlace>();
}

}  // namespace gilscope::test
