// Where in the Python code threads stood, as a capture tells it: places, and stacks of them, each once.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gilscope {

// A line of the code.
struct CodePlace {
  std::string file;
  std::string function;    // its qualified name
  std::uint32_t line = 0;  // 0: unknown

  friend auto operator<=>(const CodePlace&, const CodePlace&) = default;
};

enum class PlaceId : std::uint32_t {};
enum class StackId : std::uint32_t {};

// Equal ones have one id, whichever thread stood there.
class CodeStacks {
 public:
  PlaceId add(CodePlace place);
  // The innermost place first; at least one.
  StackId add(std::vector<PlaceId> places);

  [[nodiscard]] const CodePlace& place(PlaceId id) const { return places_.at(static_cast<std::size_t>(id)); }
  [[nodiscard]] const std::vector<PlaceId>& stack(StackId id) const {
    return stacks_.at(static_cast<std::size_t>(id));
  }
  [[nodiscard]] std::vector<CodePlace> places_of(StackId id) const;

 private:
  std::map<CodePlace, PlaceId> place_ids_;
  std::map<std::vector<PlaceId>, StackId> stack_ids_;
  std::vector<CodePlace> places_;  // by id
  std::vector<std::vector<PlaceId>> stacks_;
};

}  // namespace gilscope
