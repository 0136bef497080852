// What differs between the two hosts of the one command line: the binary, which embeds CPython (host/embed),
// and a stock CPython that has imported the extension (extensions/stock_host.h).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "run/python_build.h"
#include "run/trial_program.h"

namespace gilscope {

// Called when Python is ready, its GIL held, before any code of the user's but what `site` runs.
using WhenReady = std::function<void()>;

class PythonHost {
 public:
  PythonHost() = default;
  PythonHost(const PythonHost&) = delete;
  PythonHost& operator=(const PythonHost&) = delete;
  PythonHost(PythonHost&&) = delete;
  PythonHost& operator=(PythonHost&&) = delete;
  virtual ~PythonHost() = default;

  [[nodiscard]] virtual Linkage linkage() const = 0;
  // This host again, in a child process. Throws Error where that cannot be.
  [[nodiscard]] virtual TrialProgram program() const = 0;
  // Where the article's programs are.
  [[nodiscard]] virtual std::filesystem::path article_folder() const = 0;

  // Calls `work` with an interpreter for the host's own use, its GIL held: the environment that `python`
  // would have, no script. Once. Throws Error where CPython cannot start, and what `work` throws.
  virtual void with_python(const std::function<void()>& work) = 0;

  // Runs `python arguments…` in this process and returns its exit code; Python has ended then, for good. Up
  // to CPython 3.14.6 `sys.exit` ends the process inside, and an unhandled KeyboardInterrupt does on every
  // version: nothing may be needed after it. `command` is gilscope's whole command line, which ends with
  // `arguments`.
  virtual int run_python(const std::vector<std::string>& arguments, const WhenReady& when_ready,
                         const std::vector<std::string>& command) = 0;
};

}  // namespace gilscope
