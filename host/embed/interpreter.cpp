#include <Python.h>

#include "embed/interpreter.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/core.h>

#include "embed/foreign_runtime.h"
#include "embed/virtual_environment.h"
#include "run/frozen.h"
#include "support/environment.h"
#include "support/error.h"
#include "support/log.h"

namespace gilscope {
namespace {

std::string embedded_version() {
#ifdef Py_GIL_DISABLED
  return fmt::format("{}.{}t", PY_MAJOR_VERSION, PY_MINOR_VERSION);
#else
  return fmt::format("{}.{}", PY_MAJOR_VERSION, PY_MINOR_VERSION);
#endif
}

std::string environment_executable() {
  const auto environment =
      choose_environment(environment_variable, embedded_version(), GILSCOPE_PYTHON_EXECUTABLE);
  if (!environment.warning.empty()) log_warning("{}", environment.warning);
  if (!std::filesystem::exists(environment.executable)) {
    throw Error(
        fmt::format("the Python that this gilscope was built with is gone: {}",
                    environment.executable.string()),
        "activate a virtual environment of Python " + embedded_version() + ", or build gilscope anew");
  }
  return environment.executable.string();
}

void run_bootstrap() {
  PyObject* module = PyImport_ImportModule("_gilscope_bootstrap");
  PyObject* result =
      module == nullptr ? nullptr : PyObject_CallMethod(module, "install", "y", host_executable().c_str());
  if (result == nullptr) {
    PyErr_Print();
    throw Error("the host's own Python code did not start", "please report this, with the traceback above");
  }
  Py_DECREF(result);
  Py_DECREF(module);
}

// PyConfig of Python's own kind: flags, environment variables and paths as under `python`. (PyInitConfig of
// PEP 741 is isolated, and a script given to it silently does not run.)
class Configuration {
 public:
  Configuration(const std::string& executable, const std::string& name,
                const std::vector<std::string>& arguments) {
    std::vector<char*> argv{const_cast<char*>(name.c_str())};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    const auto count = static_cast<Py_ssize_t>(argv.size());

    PyPreConfig pre_config;
    PyPreConfig_InitPythonConfig(&pre_config);
    check(Py_PreInitializeFromBytesArgs(&pre_config, count, argv.data()));
    PyConfig_InitPythonConfig(&config_);
    check(PyConfig_SetBytesString(&config_, &config_.executable, executable.c_str()));
    check(PyConfig_SetBytesArgv(&config_, count, argv.data()));
  }
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;
  Configuration(Configuration&&) = delete;
  Configuration& operator=(Configuration&&) = delete;
  ~Configuration() { PyConfig_Clear(&config_); }

  void start() {
    install_frozen_modules();
    check(Py_InitializeFromConfig(&config_));
    run_bootstrap();
  }

 private:
  // Ends the process where CPython says so: `--version` and `--help` are such ends, as are bad flags.
  static void check(const PyStatus& status) {
    if (PyStatus_Exception(status) != 0) Py_ExitStatusException(status);
  }

  PyConfig config_{};
};

int run_python_as(const std::string& executable, const std::string& name,
                  const std::vector<std::string>& arguments, const WhenReady& when_ready) {
  {
    Configuration configuration(executable, name, arguments);
    configuration.start();
  }
  warn_of_foreign_runtime_at_exit();
  when_ready();
  return Py_RunMain();
}

}  // namespace

Interpreter::Interpreter() {
  const auto executable = environment_executable();
  Configuration configuration(executable, executable, {});
  configuration.start();
}

Interpreter::~Interpreter() { Py_FinalizeEx(); }

int run_python(const std::vector<std::string>& arguments, const WhenReady& when_ready) {
  const auto executable = environment_executable();
  return run_python_as(executable, executable, arguments, when_ready);
}

bool is_multiprocessing_child(const std::vector<std::string>& arguments) {
  // spawn, forkserver and resource_tracker all start as EXECUTABLE [flags] -c CODE, and somewhere in the code
  // (3.14.8 sets sys.path first) is `from multiprocessing.… import …`. No command line of gilscope's own
  // begins like that. Told by the arguments alone, so that it holds for a child whose environment the script
  // has emptied.
  if (arguments.empty() || !arguments.front().starts_with('-')) return false;
  const auto command = std::ranges::find(arguments, "-c");
  return command != arguments.end() && command + 1 != arguments.end() &&
         (command + 1)->find("from multiprocessing.") != std::string::npos;
}

int run_multiprocessing_child(const std::string& name, const std::vector<std::string>& arguments,
                              const WhenReady& when_ready) {
  // bootstrap.py starts children under the name of their environment's python.
  std::error_code ignored;
  const bool is_environment = std::filesystem::path(name).is_absolute() &&
                              std::filesystem::exists(name, ignored) &&
                              !std::filesystem::equivalent(name, host_executable(), ignored);
  const auto executable = is_environment ? name : environment_executable();
  return run_python_as(executable, executable, arguments, when_ready);
}

int run_started_python(const std::string& executable, const std::string& name,
                       const std::vector<std::string>& arguments, const WhenReady& when_ready) {
  return run_python_as(executable, name, arguments, when_ready);
}

std::string host_executable() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

}  // namespace gilscope
