// Gives files, places and stacks their numbers, and tells a sink of each at its first sight: names are read
// at once, as the code may be gone at the next moment. By the rules of Recorder::record.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "capture/stack_table.h"
#include "probe/code_point.h"
#include "probe/event.h"

namespace gilscope {

// What is told is numbered in its order, from 0 on. False: there is no space, which is what `kRefusal` says
// of the time to come.
template <typename Sink>
concept StackSink = requires(Sink sink, std::string_view path, std::uint32_t file, const CodeWords& words,
                             std::span<const std::uint32_t> places) {
  { sink.tell_file(path) } noexcept -> std::same_as<bool>;
  { sink.has_room_for_place(words) } noexcept -> std::same_as<bool>;
  { sink.tell_place(file, words) } noexcept -> std::same_as<void>;
  { sink.tell_stack(places) } noexcept -> std::same_as<bool>;
  requires Sink::kRefusal == StackTable::kNever || Sink::kRefusal == StackTable::kNotNow;
};

// The number of what has that key, given to it where `tell` says that it was told.
template <std::uint32_t kMost, typename Tell>
std::uint32_t intern_key(NumberTable<kMost>& table, std::uint64_t key, std::uint32_t refusal,
                         Tell tell) noexcept {
  if (const auto known = table.find(key)) return *known;
  if (table.is_full()) return StackTable::kNever;
  if (!tell()) return refusal;
  const std::uint32_t number = table.size();
  table.add(key, number);
  return number;
}

template <std::uint32_t kMost>
void remember_number(NumberTable<kMost>& table, std::uint64_t key, std::uint32_t number) noexcept {
  if (number == StackTable::kNotNow) return;
  if (table.is_full()) table.clear();
  table.add(key, number);
}

template <StackSink Sink>
std::uint32_t intern_words(StackTable& table, Sink& sink, const CodeWords& words) noexcept {
  const std::uint32_t file = intern_key(table.files, key_of(words.file()), Sink::kRefusal,
                                        [&]() noexcept { return sink.tell_file(words.file()); });
  if (!StackTable::is_number(file)) return file;
  const std::array<std::uint64_t, 3> key{file, words.line, key_of(words.function())};
  return intern_key(table.places, key_of(key), Sink::kRefusal, [&]() noexcept {
    const bool has_room = sink.has_room_for_place(words);
    if (has_room) sink.tell_place(file, words);
    return has_room;
  });
}

template <StackSink Sink>
std::uint32_t intern_place(StackTable& table, Sink& sink, GilId gil, const CodePoint& point,
                           const CodeReader& reader) noexcept {
  const std::uint64_t key = key_of(gil, std::span(&point, 1));
  if (const auto known = table.points.find(key)) return *known;
  CodeWords words;  // NOLINT(cppcoreguidelines-pro-type-member-init): describe() says how much it wrote
  if (!reader.describe(point, words)) return StackTable::kNotNow;
  const std::uint32_t number = intern_words(table, sink, words);
  remember_number(table.points, key, number);
  return number;
}

// Of places that have these numbers, at most kMaxFrames.
template <StackSink Sink>
std::uint32_t intern_numbers(StackTable& table, Sink& sink, std::span<const std::uint32_t> places) noexcept {
  std::array<std::uint64_t, kMaxFrames> key{};
  std::ranges::copy(places, key.begin());
  return intern_key(table.stacks, key_of(std::span(std::as_const(key)).first(places.size())), Sink::kRefusal,
                    [&]() noexcept { return sink.tell_stack(places); });
}

template <StackSink Sink>
std::uint32_t intern_places(StackTable& table, Sink& sink, GilId gil, std::span<const CodePoint> stack,
                            const CodeReader& reader) noexcept {
  std::array<std::uint32_t, kMaxFrames> numbers{};
  for (std::size_t i = 0; i < stack.size(); ++i) {
    const std::uint32_t place = intern_place(table, sink, gil, stack[i], reader);
    if (!StackTable::is_number(place)) return place;
    numbers.at(i) = place;
  }
  return intern_numbers(table, sink, std::span(std::as_const(numbers)).first(stack.size()));
}

// The number of the stack, whose key_of() is `key`; empty where there is no space, or no number left.
template <StackSink Sink>
std::optional<std::uint32_t> intern_stack(StackTable& table, Sink& sink, GilId gil,
                                          std::span<const CodePoint> stack, const CodeReader& reader,
                                          std::uint64_t key) noexcept {
  std::uint32_t number = StackTable::kNotNow;
  if (const auto known = table.stands.find(key)) {
    number = *known;
  } else {
    number = intern_places(table, sink, gil, stack, reader);
    remember_number(table.stands, key, number);
  }
  return StackTable::is_number(number) ? std::optional(number) : std::nullopt;
}

}  // namespace gilscope
