#include "analysis/truth_check.h"

#include <algorithm>

namespace gilscope {

Condition condition_of(Fault fault) noexcept {
  switch (fault) {
    case Fault::AcquireWhileHeld:
      return Condition::HoldsNeverOverlap;
    case Fault::AcquireTwice:
    case Fault::ReleaseWithoutHold:
    case Fault::ReleaseByOther:
      return Condition::ReleasesMatch;
    case Fault::RequestWhileHolding:
    case Fault::RequestTwice:
    case Fault::RequestWhileFree:
    case Fault::TimeoutOutsideWait:
      return Condition::WaitsOutsideHolds;
    case Fault::GilTimeWentBack:
    case Fault::ThreadTimeWentBack:
    case Fault::OutsideRecording:
      return Condition::EventsInOrder;
    case Fault::HoldsExceedWall:
      break;
  }
  return Condition::HoldsWithinWall;
}

std::string_view describe(Fault fault) noexcept {
  switch (fault) {
    case Fault::AcquireWhileHeld:
      return "a thread acquired a GIL that another thread held";
    case Fault::AcquireTwice:
      return "a thread acquired a GIL that it held";
    case Fault::ReleaseWithoutHold:
      return "a thread released a GIL that nobody held";
    case Fault::ReleaseByOther:
      return "a thread released a GIL that another thread held";
    case Fault::RequestWhileHolding:
      return "a thread requested a GIL that it held";
    case Fault::RequestTwice:
      return "a thread requested a GIL for which it waited";
    case Fault::RequestWhileFree:
      return "a thread waited for a GIL that nobody held";
    case Fault::TimeoutOutsideWait:
      return "the switch interval of a thread ran out that did not wait";
    case Fault::GilTimeWentBack:
      return "an event of a GIL is earlier than the one before it";
    case Fault::ThreadTimeWentBack:
      return "an event of a thread is earlier than the one before it";
    case Fault::OutsideRecording:
      return "an event lies before the begin or after the end of the recording";
    case Fault::HoldsExceedWall:
      break;
  }
  return "the holds of a GIL sum to more than the wall time";
}

TruthCheck::TruthCheck(std::uint64_t begin, std::uint64_t end, Bounds bounds)
    : begin_(begin), end_(end), machine_(bounds) {
  static_assert(static_cast<std::size_t>(Fault::GilTimeWentBack) + 1 == kViolations &&
                static_cast<std::size_t>(Violation::TimeWentBack) + 1 == kViolations);
}

void TruthCheck::begin(GilId gil, std::optional<ThreadId> holder, std::uint64_t ticks) {
  machine_.begin(gil, holder, ticks);
  if (holder) gils_[gil] = {.is_held = true, .acquired = ticks};
}

void TruthCheck::note(Fault fault, const Event& event) {
  auto& finding = findings_[static_cast<std::size_t>(fault)];
  if (finding.count++ == 0) {
    finding.fault = fault;
    finding.position = position_;
    finding.first = event;
  }
}

void TruthCheck::add(const Event& event) {
  const auto violations = machine_.apply(event);
  if (!violations.none()) {
    for (std::size_t kind = 0; kind < kViolations; ++kind) {
      if (violations.has(static_cast<Violation>(kind))) note(static_cast<Fault>(kind), event);
    }
  }
  if (event.ticks < begin_ || event.ticks > end_) note(Fault::OutsideRecording, event);
  auto& last = last_of_threads_[event.thread];
  if (event.ticks < last) note(Fault::ThreadTimeWentBack, event);
  last = event.ticks;

  auto& gil = gils_[event.gil];
  if (event.kind == EventKind::Acquire && !gil.is_held) {
    gil.is_held = true;
    gil.acquired = event.ticks;
  } else if (event.kind == EventKind::Release && gil.is_held) {
    gil.is_held = false;
    gil.held += event.ticks > gil.acquired ? event.ticks - gil.acquired : 0;
  }
  gil.position = position_;
  gil.last = event;
  ++position_;
}

TruthReport TruthCheck::report() const {
  TruthReport report{.events = position_, .unchecked_events = machine_.snapshot(end_).lost_events};
  std::ranges::copy_if(findings_, std::back_inserter(report.findings),
                       [](const auto& finding) { return finding.count != 0; });
  TruthFinding excess{.fault = Fault::HoldsExceedWall};
  for (const auto& [id, gil] : gils_) {
    const auto open = gil.is_held && end_ > gil.acquired ? end_ - gil.acquired : 0;
    if (gil.held + open <= end_ - begin_) continue;
    if (excess.count++ == 0 || gil.position < excess.position) {
      excess.position = gil.position;
      excess.first = gil.last;
    }
  }
  if (excess.count != 0) report.findings.push_back(excess);
  return report;
}

TruthReport check_truth(std::span<const Event> events) {
  if (events.empty()) return {};
  const auto [first, last] = std::ranges::minmax(events, {}, &Event::ticks);
  TruthCheck check(first.ticks, last.ticks);
  for (const auto& event : events) check.add(event);
  return check.report();
}

}  // namespace gilscope
