// The program of `gilscope top run`: `gilscope run`, in a child process that has no terminal.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "run/trial_program.h"
#include "support/file.h"
#include "support/temporary_folder.h"

namespace gilscope::cli {

class TopProgram {
 public:
  // Where what it prints goes.
  enum class Output : std::uint8_t {
    Kept,          // into files, until show_output(): a screen is where it would go
    StandardError  // both streams: standard output has what top says
  };
  // `arguments` are those of `gilscope run`. Throws Error where it cannot be started.
  TopProgram(TrialProgram host, const std::vector<std::string>& arguments, Output output);
  TopProgram(const TopProgram&) = delete;
  TopProgram& operator=(const TopProgram&) = delete;
  TopProgram(TopProgram&&) = delete;
  TopProgram& operator=(TopProgram&&) = delete;
  ~TopProgram();  // interrupts it where it has not ended, and waits for its end

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // As a shell tells it; empty: it has not ended.
  [[nodiscard]] std::optional<int> exit_code() noexcept;
  // As Ctrl-C does to one in the foreground; SIGTERM, SIGHUP: likewise.
  void interrupt(int signal) noexcept;
  // Waits for its end. A signal that comes meanwhile is passed on.
  int wait() noexcept;
  // What it has printed.
  void show_output() const;

 private:
  TemporaryFolder folder_;
  Output output_;
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace gilscope::cli
