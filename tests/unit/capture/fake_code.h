// Code without a Python: places that a test names, each a code object of its own.
#pragma once

#include <algorithm>
#include <set>
#include <vector>

#include "capture/code_stacks.h"
#include "probe/code_point.h"

namespace gilscope::test {

class FakeCode final : public CodeReader {
 public:
  explicit FakeCode(std::vector<CodePlace> places) : places_(std::move(places)) {}

  [[nodiscard]] CodePoint point(std::size_t index) const {
    return {.code = &places_.at(index), .instruction = static_cast<std::int32_t>(2 * index)};
  }

  void describe(const CodePoint& point, CodeWords& words) const noexcept override {
    const auto& place = *static_cast<const CodePlace*>(point.code);
    words.line = place.line;
    words.file_bytes = place.file.copy(words.file_text.data(), words.file_text.size());
    words.function_bytes = place.function.copy(words.function_text.data(), words.function_text.size());
  }
  [[nodiscard]] bool keep(const CodePoint& point) const noexcept override {
    if (is_dying) return false;
    kept.insert(point.code);
    return true;
  }

  mutable std::set<const void*> kept;
  bool is_dying = false;

 private:
  std::vector<CodePlace> places_;
};

inline std::vector<CodePlace> places_of(const CodeStacks& stacks, StackId stack) {
  std::vector<CodePlace> places;
  for (const auto place : stacks.stack(stack)) places.push_back(stacks.place(place));
  return places;
}

}  // namespace gilscope::test
