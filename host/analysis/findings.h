// What limits the figures that this Python on this machine can give, and what to do about it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "run/python_build.h"
#include "support/machine.h"

namespace gilscope {

struct DoctorFacts {
  Machine machine;
  PythonBuild python;
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
