// Starts CPython in this process as `python` itself would, and runs it.
// The children of multiprocessing come back into this same binary: see is_multiprocessing_child().
#pragma once

#include <string>
#include <vector>

#include "run/python_host.h"

namespace gilscope {

// An interpreter for the host's own use (trials, doctor): the environment that `python` would have, no
// script. Starts in the constructor, throws Error where CPython cannot start; ends in finish() or the
// destructor.
class Interpreter {
 public:
  Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;
  Interpreter(Interpreter&&) = delete;
  Interpreter& operator=(Interpreter&&) = delete;
  ~Interpreter();
};

// See PythonHost::run_python().
int run_python(const std::vector<std::string>& arguments, const WhenReady& when_ready);

// Whether these arguments are how multiprocessing starts a child (spawn, forkserver, resource tracker).
bool is_multiprocessing_child(const std::vector<std::string>& arguments);

// As run_python, for a child of multiprocessing: in the environment that its parent had, which its argv[0]
// names. (An environment variable would be gone where the script empties os.environ.)
int run_multiprocessing_child(const std::string& name, const std::vector<std::string>& arguments,
                              const WhenReady& when_ready);

// Likewise in place of the Python at `executable`, which has found that this one can be it:
// host/run/child_start.py. `name` is its argv[0].
int run_started_python(const std::string& executable, const std::string& name,
                       const std::vector<std::string>& arguments, const WhenReady& when_ready);

// The path of this binary.
std::string host_executable();

}  // namespace gilscope
