// What limits the figures that this Python on this machine can give, and what to do about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/python_build.h"
#include "support/machine.h"

namespace gilscope {

// What a short trace of this process's own GIL gave: a known number of releases and acquires, and what was
// seen.
struct ProbeCheck {
  std::uint64_t pairs = 0;          // that were made
  std::uint64_t seen_releases = 0;  // as many
  std::uint64_t seen_acquires = 0;  // as many
  std::uint64_t violations = 0;     // of the order that a GIL's events can only have; 0
  double added_ns = 0;              // that tracing added to a pair
  std::string refusal;              // why the probe could not be installed; "" where it could
  std::string refusal_hint;
};

struct DoctorFacts {
  Machine machine;
  PythonBuild python;
  std::optional<ProbeCheck> probe;  // empty: not tried, there is no GIL
};

enum class Status { Ok, Warning, Problem };

// What a finding that is not ok spoils; in the order in which a conclusion names them.
enum class Effect {
  None,
  Support,
  AllFigures,
  GilFigures,
  Parallelism,
  SubInterpreters,
  Steadiness,
  AbsoluteTimes,
  Packages,
};

struct Finding {
  std::string name;  // as in "switch_interval"; the same in every version
  Status status = Status::Ok;
  std::string text;
  std::string hint;  // what to do; empty where it is ok
  Effect effect = Effect::None;
};

// One finding for each thing that was looked at, always the same ones in the same order.
[[nodiscard]] std::vector<Finding> diagnose(const DoctorFacts& facts);

[[nodiscard]] std::string_view to_string(Status status);

// The worst status of all.
[[nodiscard]] Status worst_status(const std::vector<Finding>& findings);

}  // namespace gilscope
