// The difference of two looks at the same rows: what came in between.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/run_notes.h"
#include "probe/event.h"
#include "support/time.h"

namespace gilscope {

// Another thread may have the number of one that has ended: then there is less than before.
inline void subtract(std::uint64_t& from, std::uint64_t part) noexcept { from -= std::min(from, part); }
inline void subtract(Nanoseconds& from, Nanoseconds part) noexcept { from -= std::min(from, part); }

template <typename Number>
void subtract(std::optional<Number>& from, const std::optional<Number>& part) noexcept {
  if (!from || !part) {
    from.reset();
  } else {
    subtract(*from, *part);
  }
}

// Takes from each of the rows what there was of it before; `key_of` of an older row says which it goes on as.
template <typename Row, typename KeyOf, typename KeyOfOlder, typename Subtract>
void subtract_rows(std::vector<Row>& rows, const std::vector<Row>& before, KeyOf key_of,
                   KeyOfOlder key_of_older, Subtract subtract_row) {
  std::map<decltype(key_of(rows.front())), Row*> places;
  for (Row& row : rows) places.emplace(key_of(row), &row);
  for (const Row& row : before) {
    const auto found = places.find(key_of_older(row));
    if (found != places.end()) subtract_row(*found->second, row);
  }
}

template <typename Row, typename KeyOf, typename Subtract>
void subtract_rows(std::vector<Row>& rows, const std::vector<Row>& before, KeyOf key_of,
                   Subtract subtract_row) {
  subtract_rows(rows, before, key_of, key_of, subtract_row);
}

// As which row of the later look that of a thread goes on: its own, or its family's.
class ThreadSuccessors {
 public:
  ThreadSuccessors(const std::vector<ThreadRecord>& before, const std::vector<ThreadRecord>& after);

  // A row of the later look, which nobody has named.
  void add(ThreadId thread) { threads_.emplace(thread, thread); }

  // Of a thread that nobody has named and that is gone: itself, which matches nothing.
  [[nodiscard]] ThreadId of(ThreadId thread) const {
    const auto found = threads_.find(thread);
    return found == threads_.end() ? thread : found->second;
  }
  [[nodiscard]] std::optional<ThreadId> of(const std::optional<ThreadId>& thread) const {
    return thread ? std::optional(of(*thread)) : std::nullopt;
  }

 private:
  std::map<ThreadId, ThreadId> threads_;
};

}  // namespace gilscope
