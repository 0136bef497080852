// Starts CPython in this process as `python` itself would, and runs it.
// The children of multiprocessing come back into this same binary: see is_multiprocessing_child().
#pragma once

#include <functional>
#include <string>
#include <vector>

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

// Called when Python has started, its GIL held, before any code of the user's but what `site` runs.
using WhenReady = std::function<void()>;

// Runs `python arguments…` in this process and returns its exit code. Up to CPython 3.14.6 `sys.exit` ends
// the process inside, and an unhandled KeyboardInterrupt does on every version: nothing may be needed after
// it.
int run_python(const std::vector<std::string>& arguments, const WhenReady& when_ready);

// Whether these arguments are how multiprocessing starts a child (spawn, forkserver, resource tracker).
bool is_multiprocessing_child(const std::vector<std::string>& arguments);

// As run_python, for a child of multiprocessing: in the environment that its parent had, which its argv[0]
// names. (An environment variable would be gone where the script empties os.environ.)
int run_multiprocessing_child(const std::string& name, const std::vector<std::string>& arguments,
                              const WhenReady& when_ready);

// The path of this binary.
std::string host_executable();

}  // namespace gilscope
