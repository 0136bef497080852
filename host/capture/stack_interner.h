// Gives files, places and stacks their numbers, and tells a sink of each at its first sight: names are read
// at once, as the code may be gone at the next moment. By the rules of Recorder::record.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "capture/stack_table.h"
#include "probe/code_point.h"
#include "probe/event.h"

namespace gilscope {

// What is told is numbered in its order, from 0 on. False: there is no space.
template <typename Sink>
concept StackSink = requires(Sink sink, std::string_view path, std::uint32_t file, const CodeWords& words,
                             std::span<const std::uint32_t> places) {
  { sink.tell_file(path) } noexcept -> std::same_as<bool>;
  { sink.has_room_for_place(words) } noexcept -> std::same_as<bool>;
  { sink.tell_place(file, words) } noexcept -> std::same_as<void>;
  { sink.tell_stack(places) } noexcept -> std::same_as<bool>;
};

template <StackSink Sink>
std::optional<std::uint32_t> intern_file(StackTable& table, Sink& sink, std::string_view path) noexcept {
  const std::uint64_t key = key_of(path);
  if (const auto known = table.files.find(key)) return known;
  if (table.files.is_full() || !sink.tell_file(path)) return std::nullopt;
  return table.files.add(key);
}

template <StackSink Sink>
std::optional<std::uint32_t> intern_place(StackTable& table, Sink& sink, GilId gil, const CodePoint& point,
                                          const CodeReader& reader) noexcept {
  const std::uint64_t key = key_of(gil, std::span(&point, 1));
  if (const auto known = table.places.find(key)) return known;
  if (table.places.is_full()) return std::nullopt;
  CodeWords words;  // NOLINT(cppcoreguidelines-pro-type-member-init): describe() says how much it wrote
  reader.describe(point, words);
  const auto file = intern_file(table, sink, words.file());
  if (!file || !sink.has_room_for_place(words) || !reader.keep(point)) return std::nullopt;
  sink.tell_place(*file, words);
  return table.places.add(key);
}

// The number of the stack, whose key_of() is `key`; empty where there is no space, or no number left.
template <StackSink Sink>
std::optional<std::uint32_t> intern_stack(StackTable& table, Sink& sink, GilId gil,
                                          std::span<const CodePoint> stack, const CodeReader& reader,
                                          std::uint64_t key) noexcept {
  if (const auto known = table.stacks.find(key)) return known;
  std::array<std::uint32_t, kMaxFrames> places{};
  for (std::size_t i = 0; i < stack.size(); ++i) {
    const auto place = intern_place(table, sink, gil, stack[i], reader);
    if (!place) return std::nullopt;
    places.at(i) = *place;
  }
  if (table.stacks.is_full() || !sink.tell_stack(std::span(places).first(stack.size()))) return std::nullopt;
  return table.stacks.add(key);
}

}  // namespace gilscope
