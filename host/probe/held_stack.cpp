#include "probe/held_stack.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "probe/code_deaths.h"
#include "probe/collections.h"
#include "probe/work_place.h"

namespace gilscope {

std::optional<CodePoint> collection_between(ProbeClock clock, std::uint64_t begin,
                                            std::uint64_t end) noexcept {
  constexpr std::uint64_t kShortest = 1000;  // ticks, of whatever clock: not worth a place of its own
  const Collected collected = collected_between(clock, begin, end);
  if (collected.ticks < kShortest || collected.ticks < (end - begin) / 2) return std::nullopt;
  constexpr std::array<std::string_view, 3> kNames{"generation 0", "generation 1", "generation 2"};
  return work_point(collected.was_asked_for ? WorkKind::Collect : WorkKind::Collection,
                    kNames.at(static_cast<std::size_t>(std::clamp(collected.generation, 0, 2))));
}

std::span<const CodePoint> put_first(const CodePoint& work, std::span<const CodePoint> stack,
                                     FrameBuffer& buffer) noexcept {
  if (stack.empty()) return stack;
  const std::size_t size = std::min(stack.size() + 1, buffer.size());
  std::shift_right(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size), 1);
  buffer[0] = work;
  return std::span<const CodePoint>(buffer).first(size);
}

std::span<const CodePoint> put_first(const HolderLook& look, std::span<const CodePoint> stack,
                                     FrameBuffer& buffer) noexcept {
  const auto frame = std::ranges::find(stack, look.place.code, &CodePoint::code);
  if (frame == stack.end()) {
    // It has returned: 3.15 asks less often whether the GIL is wanted. From where is not known any more.
    const bool is_alive = look.deaths == deaths_at(look.place.code);
    if (stack.empty() || !is_alive) return put_first(look.work, stack, buffer);
    buffer[0] = look.place;
    return put_first(look.work, std::span<const CodePoint>(buffer).first(1), buffer);
  }
  const auto depth = frame - stack.begin();
  std::shift_left(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(stack.size()), depth);
  buffer[0].instruction = look.place.instruction;
  return put_first(look.work, stack.first(stack.size() - static_cast<std::size_t>(depth)), buffer);
}

}  // namespace gilscope
