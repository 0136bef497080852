#include "recording/dump_schedule.h"

#include <utility>

namespace gilscope {
namespace {

bool is_asked_for(TriggerKind kind) noexcept {
  return kind == TriggerKind::Signal || kind == TriggerKind::Request;
}

}  // namespace

void DumpSchedule::add(const Trigger& trigger, Time now) {
  const bool is_asked = is_asked_for(trigger.kind);
  if (pending_) {
    ++pending_->further;
    if (is_asked) due_ = now;
    return;
  }
  while (!within_hour_.empty() && now - within_hour_.front() >= std::chrono::hours(1))
    within_hour_.pop_front();
  if (!is_asked && within_hour_.size() >= per_hour_) {
    if (passed_over_ == 0 || now >= passed_over_until_) {
      ++passed_over_;
      passed_over_until_ = now + after_;
    }
    return;
  }
  pending_ = DumpReason{.trigger = trigger};
  due_ = is_asked ? now : now + after_;
  if (!is_asked) within_hour_.push_back(now);
}

std::optional<DumpReason> DumpSchedule::take(Time now, bool is_last) {
  if (!pending_ || (now < due_ && !is_last)) return std::nullopt;
  return std::exchange(pending_, std::nullopt);
}

}  // namespace gilscope
