#include "probe/step_table.h"

#include <algorithm>

#include "probe/shared_word.h"
#include "support/utf8.h"

namespace gilscope {
namespace {

// The same text has the same bytes.
StepRow row_of(ThreadId thread, const CodeWords& place) noexcept {
  StepRow row{};
  row.thread = static_cast<std::uint32_t>(thread);
  row.line = place.line;
  put_last_bytes(place.file(), row.file);
  put_first_bytes(place.function(), row.function);
  return row;
}

}  // namespace

void StepTable::add(const LongStep& step, const CodeWords& place) noexcept {
  StepRow row = row_of(step.thread, place);
  row.count = 1;
  row.alone = step.is_alone ? 1 : 0;
  row.ticks = row.longest = step.ticks;
  row.longest_begin = step.begin;
  add(row, step.thread);
}

void StepTable::add(const StepRow& row, ThreadId thread) noexcept {
  const std::uint64_t key = static_cast<std::uint32_t>(thread);
  auto* const known = std::ranges::find_if(rows, [&](const StepRow& other) {
    return other.thread == 0 || (other.thread == key && other.line == row.line && other.file == row.file &&
                                 other.function == row.function);
  });
  if (known == rows.end()) {
    set_shared(others, others + row.count);
    return;
  }
  if (known->thread == 0) {
    known->line = row.line;
    known->file = row.file;
    known->function = row.function;
  }
  set_shared(known->count, known->count + row.count);
  set_shared(known->alone, known->alone + row.alone);
  set_shared(known->ticks, known->ticks + row.ticks);
  if (row.longest > known->longest) {
    set_shared(known->longest_begin, row.longest_begin);
    set_shared(known->longest, row.longest);
  }
  set_shared(known->thread, key);
}

}  // namespace gilscope
