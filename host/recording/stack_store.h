// Places and stacks of a process's code, each once and under a number, in memory that others may read while
// they are told. All zero bits: empty. Bounded: what comes later has no number.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/cell.h"
#include "capture/code_stacks.h"
#include "capture/stack_table.h"
#include "probe/code_point.h"
#include "probe/event.h"

namespace gilscope {

struct StackStore {
  // By the rules of Recorder::record, under any GIL. Empty, too, where a thread under another GIL has the
  // store for longer than a microsecond or two; the same stack has its number the next time.
  std::optional<std::uint32_t> number_of(GilId gil, std::span<const CodePoint> stack,
                                         const CodeReader& reader) noexcept;

  // Adds the stacks that have a number by now; returns their ids by number. The store may be another
  // process's, alive or not, and its memory anything.
  [[nodiscard]] std::vector<StackId> read(CodeStacks& known) const;

  struct Stack {
    std::uint32_t begin;
    std::uint32_t places;
  };

  // The numbers that another process's stacks have in this store, which nobody else uses.
  class Adoption {
   public:
    Adoption(StackStore& into, const StackStore& of);
    [[nodiscard]] std::optional<std::uint32_t> number_of(std::uint32_t number) noexcept;

   private:
    [[nodiscard]] std::uint32_t adopt_place(std::uint32_t place) noexcept;
    [[nodiscard]] std::uint32_t adopt(const Stack& stack) noexcept;

    StackStore& into_;
    const StackStore& of_;
    std::vector<std::uint32_t> places_;  // by their number there, or kNotYet
    std::vector<std::uint32_t> stacks_;
  };

  static constexpr std::size_t kFiles = StackTable::kFiles;
  static constexpr std::size_t kPlaces = StackTable::kPlaces;
  static constexpr std::size_t kStacks = StackTable::kStacks;
  static constexpr std::size_t kStackPlaces = kStacks * 16;
  static constexpr std::size_t kTextBytes = std::size_t{1} << 20U;

  struct Text {
    std::uint32_t begin;
    std::uint32_t bytes;
  };
  struct Place {
    std::uint32_t file;
    std::uint32_t line;
    Text function;
  };

  std::uint32_t lock;  // 1: somebody is inside
  std::uint32_t text_used;
  std::uint32_t files_used;
  std::uint32_t places_used;
  std::uint32_t stack_places_used;
  Cell stacks_used;  // its release publishes all that they consist of
  StackTable numbers;
  std::array<Text, kFiles> files;
  std::array<Place, kPlaces> places;
  std::array<Stack, kStacks> stacks;
  std::array<std::uint32_t, kStackPlaces> stack_places;
  std::array<char, kTextBytes> text;

 private:
  struct Sink;
  [[nodiscard]] std::string_view read_text(const Text& text_of) const noexcept;
};

}  // namespace gilscope
