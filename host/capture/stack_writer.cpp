#include "capture/stack_writer.h"

#include <string_view>

#include "capture/stack_interner.h"
#include "capture/stream_writer.h"

namespace gilscope {
namespace {

static_assert(kMaxStackDepth == kMaxFrames);
static_assert(CodeWords::kFileBytes <= kMaxPathLength && CodeWords::kFunctionBytes <= kMaxNameLength);

struct LaneSink {
  Lane& lane;
  ProcessFile& file;
  bool was_full = false;  // of a ring: the part that the home has

  // In a ring a new part knows of nothing that was told so far: the whole stack is to be in one, and the
  // event that it is for.
  [[nodiscard]] bool has_room(std::uint32_t size) noexcept {
    if (!file.is_ring()) return make_room(lane, file, size);
    was_full = lane.home->used + size + kAtRoom + kEventRoom > kPayloadSize;
    return !was_full;
  }

  // A disk may have space again.
  static constexpr std::uint32_t kRefusal = StackTable::kNotNow;

  [[nodiscard]] bool tell_file(std::string_view path) noexcept {
    if (!has_room(kFileRoom)) return false;
    Appending record(lane);
    record->control(ControlKind::File);
    record->number(path.size());
    record->text(path);
    return true;
  }
  [[nodiscard]] bool has_room_for_place(const CodeWords& /*words*/) noexcept { return has_room(kPlaceRoom); }
  void tell_place(std::uint32_t path, const CodeWords& words) noexcept {
    Appending record(lane);
    record->control(ControlKind::Place);
    record->number(path);
    record->number(words.line);
    record->number(words.function_bytes);
    record->text(words.function());
  }
  [[nodiscard]] bool tell_stack(std::span<const std::uint32_t> places) noexcept {
    if (!has_room(kStackRoom)) return false;
    Appending record(lane);
    record->control(ControlKind::Stack);
    record->number(places.size());
    for (const auto place : places) record->number(place);
    return true;
  }
};

}  // namespace

std::optional<std::uint32_t> tell_stack(Lane& lane, ProcessFile& file, GilId gil,
                                        std::span<const CodePoint> stack, const CodeReader& reader,
                                        std::uint64_t key) noexcept {
  if (lane.stacks == nullptr) lane.stacks = StackTable::make();
  if (lane.stacks == nullptr) return std::nullopt;
  LaneSink sink{lane, file};
  const auto number = intern_stack(*lane.stacks, sink, gil, stack, reader, key);
  // What does not fit into half a part is not worth one.
  if (!sink.was_full || lane.home->used < kPayloadSize / 2) return number;
  if (!make_room(lane, file, kPayloadSize)) return std::nullopt;
  return intern_stack(*lane.stacks, sink, gil, stack, reader, key);
}

void note_stack(Lane& lane, std::uint32_t stack) noexcept {
  Appending record(lane);
  record->control(ControlKind::At);
  record->number(stack);
}

}  // namespace gilscope
