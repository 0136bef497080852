// The recording of `gilscope run`: begins when Python has started, ends with it, and is reported after the
// script.
#pragma once

#include <string>
#include <vector>

#include "cli/cli.h"

namespace gilscope::cli {

struct RunOptions {
  CommonOptions common;
  bool no_probe = false;
};

// Records this process and its children from now on; the GIL is held. The report comes when the process exits
// (however Python ends it: see run_recording.cpp), or in report_run(). Throws Error where the probe is
// refused.
void begin_recording(const RunOptions& options, const std::vector<std::string>& command);

// The script has ended with this code. Reports, once.
void report_run(int exit_code) noexcept;

// Where an ancestor of this process records, "" where none does. Takes it out of the environment, before
// Python reads that: the script is not to see it, and a run within the run is its own.
std::string take_recording();

// In a child of multiprocessing: joins the recording of its ancestor, if there is one. Never fails: a child
// that cannot be recorded runs all the same.
void join_recording(const std::string& path, const std::vector<std::string>& arguments) noexcept;

}  // namespace gilscope::cli
