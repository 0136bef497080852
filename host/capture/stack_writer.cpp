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

  // A disk may have space again.
  static constexpr std::uint32_t kRefusal = StackTable::kNotNow;

  [[nodiscard]] bool tell_file(std::string_view path) noexcept {
    if (!make_room(lane, file, kFileRoom)) return false;
    Appending record(lane);
    record->control(ControlKind::File);
    record->number(path.size());
    record->text(path);
    return true;
  }
  [[nodiscard]] bool has_room_for_place(const CodeWords& /*words*/) noexcept {
    return make_room(lane, file, kPlaceRoom);
  }
  void tell_place(std::uint32_t path, const CodeWords& words) noexcept {
    Appending record(lane);
    record->control(ControlKind::Place);
    record->number(path);
    record->number(words.line);
    record->number(words.function_bytes);
    record->text(words.function());
  }
  [[nodiscard]] bool tell_stack(std::span<const std::uint32_t> places) noexcept {
    if (!make_room(lane, file, kStackRoom)) return false;
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
  return intern_stack(*lane.stacks, sink, gil, stack, reader, key);
}

void note_stack(Lane& lane, std::uint32_t stack) noexcept {
  Appending record(lane);
  record->control(ControlKind::At);
  record->number(stack);
}

}  // namespace gilscope
