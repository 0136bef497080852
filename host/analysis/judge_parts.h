// The waiting for a GIL in parts, by how the holds ended that caused it. Pure. Each part of a row of blame is
// in one place.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "analysis/judge_facts.h"
#include "analysis/run_finding.h"

namespace gilscope {

inline double ratio(Nanoseconds part, Nanoseconds whole) noexcept {
  return share_of(part, whole).value_or(0);
}

// Of a row.
struct Parts {
  Nanoseconds late{};
  Nanoseconds forced{};  // by others that a waiter ended
  Nanoseconds brief{};   // by others that the thread ended itself
};
[[nodiscard]] Parts split(const BlameRow& row);

// Threads that compute: of their holds that were not late, as many or more ended as a waiter asked for it as
// they ended themselves; or some did, and most of the time that they held it were holds of a fifth of a
// switch interval or more; or they hardly ever gave it up, as threads that do one thing and end.
[[nodiscard]] std::set<ThreadId> find_computers(const GilFacts& facts);

// Rows of one cause, of each a part.
class Gathering {
 public:
  void add(const BlameRow& row, Nanoseconds part, std::uint64_t holds, Nanoseconds longest);

  [[nodiscard]] Nanoseconds lost() const { return lost_; }
  [[nodiscard]] std::uint64_t holds() const { return holds_; }
  [[nodiscard]] Nanoseconds longest() const { return longest_; }
  [[nodiscard]] Nanoseconds held() const { return held_; }
  [[nodiscard]] const std::map<ThreadId, Nanoseconds>& victims() const { return victims_; }
  // Of the line to look at that cost most, over all threads, one of the user's if there is one where that is
  // asked for; of no line where none is known. nullptr: of nothing.
  enum class Whose : std::uint8_t { Anybodys, Users };
  [[nodiscard]] const BlameRow* heaviest(Whose whose = Whose::Anybodys) const;

  // Who caused most at that line first, then who caused most; who caused next to nothing is left out.
  [[nodiscard]] std::vector<ThreadId> culprits(Whose whose = Whose::Anybodys) const;
  [[nodiscard]] RunFinding told(RunFinding::Kind kind, const GilFacts& facts) const;

 private:
  Nanoseconds lost_{};
  std::uint64_t holds_ = 0;
  Nanoseconds longest_{};
  Nanoseconds held_{};
  std::map<ThreadId, Nanoseconds> culprits_;
  std::map<ThreadId, Nanoseconds> victims_;
  std::set<std::string> works_;  // by name
  struct Place {
    Nanoseconds lost{};
    std::map<ThreadId, Nanoseconds> culprits;
    const BlameRow* heaviest = nullptr;
    Nanoseconds part{};  // of that one
  };
  std::map<std::optional<CodePlace>, Place> places_;
  [[nodiscard]] const Place* heaviest_place(Whose whose) const;
};

// The rows of a GIL, each part with those of its kind.
struct SortedRows {
  std::vector<Gathering> late;  // by the line to look at, and what was done
  std::vector<Gathering> open;  // that have not ended
  Gathering computing;
  Gathering brief;
  Gathering handing_over;
};
[[nodiscard]] SortedRows sort_rows(const GilFacts& facts);

// How long threads waited for holds that a waiter had to end, or that went on for longer, doing nobody knows
// what; and for those that the thread ended itself, soon. By hand-offs where it is not known who made whom
// wait.
struct WhatWasWaitedFor {
  Nanoseconds computing{};
  Nanoseconds brief{};
  bool do_several_compute = false;
};
[[nodiscard]] WhatWasWaitedFor find_what_was_waited_for(const GilFacts& facts);

}  // namespace gilscope
