#include "capture/stack_writer.h"

#include <array>
#include <string_view>

#include "capture/stream_writer.h"

namespace gilscope {
namespace {

static_assert(kMaxStackDepth == kMaxFrames);
static_assert(CodeWords::kFileBytes <= kMaxPathLength && CodeWords::kFunctionBytes <= kMaxNameLength);

std::optional<std::uint32_t> tell_file(Lane& lane, ProcessFile& file, std::string_view path) noexcept {
  auto& files = lane.stacks->files;
  const std::uint64_t key = key_of(path);
  if (const auto known = files.find(key)) return known;
  if (files.is_full() || !make_room(lane, file, kFileRoom)) return std::nullopt;
  Appending record(lane);
  record->control(ControlKind::File);
  record->number(path.size());
  record->text(path);
  return files.add(key);
}

// Named at its first sight, as the code may be gone at the next moment.
std::optional<std::uint32_t> tell_place(Lane& lane, ProcessFile& file, GilId gil, const CodePoint& point,
                                        const CodeReader& reader) noexcept {
  auto& places = lane.stacks->places;
  const std::uint64_t key = key_of(gil, std::span(&point, 1));
  if (const auto known = places.find(key)) return known;
  if (places.is_full()) return std::nullopt;
  CodeWords words;  // NOLINT(cppcoreguidelines-pro-type-member-init): describe() says how much it wrote
  reader.describe(point, words);
  const auto path = tell_file(lane, file, words.file());
  if (!path || !make_room(lane, file, kPlaceRoom) || !reader.keep(point)) return std::nullopt;
  Appending record(lane);
  record->control(ControlKind::Place);
  record->number(*path);
  record->number(words.line);
  record->number(words.function_bytes);
  record->text(words.function());
  return places.add(key);
}

}  // namespace

std::optional<std::uint32_t> tell_stack(Lane& lane, ProcessFile& file, GilId gil,
                                        std::span<const CodePoint> stack, const CodeReader& reader,
                                        std::uint64_t key) noexcept {
  if (lane.stacks == nullptr) lane.stacks = StackTable::make();
  if (lane.stacks == nullptr) return std::nullopt;
  auto& stacks = lane.stacks->stacks;
  if (const auto known = stacks.find(key)) return known;
  std::array<std::uint32_t, kMaxStackDepth> places{};
  for (std::size_t i = 0; i < stack.size(); ++i) {
    const auto place = tell_place(lane, file, gil, stack[i], reader);
    if (!place) return std::nullopt;
    places.at(i) = *place;
  }
  if (stacks.is_full() || !make_room(lane, file, kStackRoom)) return std::nullopt;
  Appending record(lane);
  record->control(ControlKind::Stack);
  record->number(stack.size());
  for (std::size_t i = 0; i < stack.size(); ++i) record->number(places.at(i));
  return stacks.add(key);
}

void note_stack(Lane& lane, std::uint32_t stack) noexcept {
  Appending record(lane);
  record->control(ControlKind::At);
  record->number(stack);
}

}  // namespace gilscope
