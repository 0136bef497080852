#include "probe/lock_places.h"

#include <functional>

#include "probe/lock_words.h"

namespace gilscope {

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): of the buffer read_stack() says what it wrote
OwnStack::OwnStack(PyThreadState* state) noexcept : state_(state) {
  if (state_ != nullptr) frames_ = own_frames(state_);
  stack_ = read_stack(frames_, buffer_);
  for (const CodePoint& point : stack_) {
    for (const std::uint64_t word : {reinterpret_cast<std::uint64_t>(point.code),
                                     static_cast<std::uint64_t>(point.instruction), point.life}) {
      key_ = (key_ ^ word) * 0x9E3779B97F4A7C15U;
      key_ ^= key_ >> 32U;
    }
  }
}

void OwnStack::wait_for(const ParkedLock& parked) noexcept {
  parked_ = parked;
  if (parked.kind == LockKind::Unknown) return;
  const auto lock =
      std::hash<std::string_view>()(parked.type_name()) + static_cast<std::uint64_t>(parked.kind);
  key_ = (key_ ^ lock) * 0x9E3779B97F4A7C15U;
}

std::optional<HolderLook> OwnStack::look_at_call(CodeWords& words) const noexcept {
  words.function_bytes = 0;
  const auto look = stack_.empty() ? std::nullopt : look_at_holder(state_);
  if (look && !python_code().describe(look->work, words)) words.function_bytes = 0;
  return look;
}

std::string_view OwnStack::called(CodeWords& words) const noexcept {
  static_cast<void>(look_at_call(words));
  return words.function();
}

NumberedPlace OwnStack::number(RecentPlaces& recent, LockTable& table, std::uint32_t watch,
                               Call call) const noexcept {
  CalledPlace& known = recent.at(key_);
  if (known.number.watch != watch || (call == Call::LookedAt && !calls(known)))
    known.number = {.watch = watch, .place = static_cast<std::uint32_t>(find_or_add(table, known))};
  return known.number;
}

// As it did when this stack was seen before.
bool OwnStack::calls(const CalledPlace& known) const noexcept {
  return known.function == nullptr ||
         function_of_callable(on_stack_of(frames_, known.slot)) == known.function;
}

[[gnu::noinline]] std::size_t OwnStack::find_or_add(LockTable& table, CalledPlace& known) const noexcept {
  LockTexts
      texts;       // NOLINT(cppcoreguidelines-pro-type-member-init): describe_lock_place() says what it wrote
  CodeWords call;  // NOLINT(cppcoreguidelines-pro-type-member-init): of look_at_call()
  const auto look = look_at_call(call);
  LockWords words = describe_lock_place(stack_, python_code(), call.function(), texts);
  words.lock_kind = parked_.kind;
  words.lock_type = parked_.type_name();
  // Where it is for a turn, who ends it by giving work says otherwise: no wait has to be looked at for that.
  known.function = look && words.is_by_call ? function_of_callable(look->operand) : nullptr;
  known.slot = look ? look->slot : 0;
  return table.find_or_add(words);
}

}  // namespace gilscope
