// Starts CPython in this process as `python` itself would, and runs it.
// The children of multiprocessing come back into this same binary: see is_multiprocessing_child().
#pragma once

#include <string>
#include <string_view>
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
// Of them, whether they start that module of multiprocessing: "forkserver", "resource_tracker".
bool runs_module(const std::vector<std::string>& arguments, std::string_view module);

// As run_python, for a child of multiprocessing: in the environment that its parent had, which its argv[0]
// names. (An environment variable would be gone where the script empties os.environ.)
int run_multiprocessing_child(const std::string& name, const std::vector<std::string>& arguments,
                              const WhenReady& when_ready);

// The path of this binary.
std::string host_executable();

}  // namespace gilscope
