// Why the probe cannot be installed: a kind for code, words and a hint for people.
#pragma once

#include <string>
#include <utility>

#include "support/error.h"

namespace gilscope {

enum class ProbeFailure {
  NoGil,           // a free-threaded build whose GIL is off: there is nothing to trace
  AlreadyRunning,  // as many as may; or another copy of gilscope, or another tool, has hooked this process
  Unsupported,     // this build of CPython, C library or machine is not understood
};

class ProbeError : public Error {
 public:
  ProbeError(ProbeFailure failure, const std::string& what, std::string hint)
      : Error(what, std::move(hint)), failure_(failure) {}

  [[nodiscard]] ProbeFailure failure() const noexcept { return failure_; }

 private:
  ProbeFailure failure_;
};

}  // namespace gilscope
