// Who watches the timed work of a trial, and is told of its begin and end.
#pragma once

#include <functional>

namespace gilscope {

struct WorkWatch {
  std::function<void()> begin;  // called with a GIL held, when every worker is ready
  std::function<void()> end;    // called with or without one, when the last has done its work; throws nothing
};

}  // namespace gilscope
