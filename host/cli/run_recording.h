// The recording of `gilscope run`: begins when Python has started, ends with it, and is reported after the
// script.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/flight_options.h"
#include "cli/run_capture.h"

namespace gilscope::cli {

struct RunOptions {
  CommonOptions common;
  CaptureOptions capture;
  FlightOptions flight;
  std::string report;  // the file of the text; "": standard error, "-": standard output
  Stacks stacks = Stacks::On;
  bool no_probe = false;
  bool no_children = false;
  bool cost = false;    // measure what tracing costs, instead of reporting one run
  unsigned rounds = 5;  // of that
};

// Records this process and its children from now on; the GIL is held. The report comes when the process exits
// (however Python ends it: see run_recording.cpp), or in report_run(). Throws Error where the probe is
// refused.
void begin_recording(const RunOptions& options, const Invocation& invocation);

// The script has ended with this code. Reports, once.
void report_run(int exit_code) noexcept;

// In a Python that a recorded process has started, as `python arguments…`: joins the recording of its
// ancestor at `path`; "" is none. Once. Never fails: what cannot be recorded runs all the same. A resource
// tracker is not recorded: it does no work of the program's.
void join_recording(const std::string& path, const std::vector<std::string>& arguments) noexcept;

// This process begins a run of its own.
void leave_recording() noexcept;

}  // namespace gilscope::cli
