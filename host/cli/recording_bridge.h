// What Python tells a recording: the names of the process and of its threads, the ends of threads, and those
// of the process that no exit handler sees. And where children find the recording: in the environment.
#pragma once

#include <string>

#include "recording/recording.h"

namespace gilscope::cli {

// The environment variable by which children find the recording.
inline constexpr const char* kRecordingVariable = "GILSCOPE_RECORDING";
// By which the binary finds what it is to be: host/run/child_start.py.
inline constexpr const char* kPythonVariable = "GILSCOPE_PYTHON";

// What the caller is told.
struct EndWatch {
  void (*interrupted)() = [] {};  // Python is about to end by an unhandled KeyboardInterrupt
  // os._exit is about to end this process with that status, and the recording has stopped.
  void (*leaving)(int status) = [](int) {};
};

// Of the interpreter of this thread, from now on. Names and exact ends are no more than comfort: where this
// fails, the run goes on without. The recording outlives Python.
void have_python_tell(Recording& recording, const EndWatch& watch);

// Puts `path` where children of this process find it, once Python has read its environment: os.environ does
// not show it, and a script that empties os.environ does not unset it.
void announce_recording(const std::string& path);

// Where an ancestor of this process records, "" where none does. Takes it out of the environment, and what
// PYTHONPATH has of it, before Python reads that: the script is not to see it, and a run within the run is
// its own.
std::string take_recording();

// The variable's value, "" where there is none; it is gone then.
std::string take_variable(const char* name);

}  // namespace gilscope::cli
