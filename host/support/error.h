// The error that cold code throws: what happened, what to try, and the exit code that the user gets.
// Caught once in main.cpp, and translated once at the Python boundary.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace gilscope {

// The process's exit codes; the script's own code and 128+n come beside these.
enum class ExitCode : int {
  Done = 0,
  AnswerIsNo = 1,  // done, and the answer is no: a trial failed, results differ, a check failed
  Usage = 2,
  CannotRun = 125,  // gilscope itself could not
  Interrupted = 130,
};

class Error : public std::runtime_error {
 public:
  // `what` says what happened, `hint` what to try ("" for nothing).
  Error(const std::string& what, std::string hint, ExitCode exit_code = ExitCode::CannotRun)
      : std::runtime_error(what), hint_(std::move(hint)), exit_code_(exit_code) {}

  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }
  [[nodiscard]] ExitCode exit_code() const noexcept { return exit_code_; }

 private:
  std::string hint_;
  ExitCode exit_code_;
};

}  // namespace gilscope
