#include "stock_host.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "cli/cli.h"
#include "run/frozen.h"
#include "support/error.h"

namespace gilscope {
namespace {

namespace py = pybind11;

py::module_ program_module() { return py::module_::import("gilscope._program"); }

// Paths may be bytes of no text.
std::string encode(const py::handle& text) {
  return py::module_::import("os").attr("fsencode")(text).cast<std::string>();
}

py::list to_bytes(const std::vector<std::string>& texts) {
  py::list list;
  for (const auto& text : texts) list.append(py::bytes(text));
  return list;
}

// _PyCompilerFlags_INIT, which is C.
PyCompilerFlags no_flags() { return {.cf_flags = 0, .cf_feature_version = PY_MINOR_VERSION}; }

// As `python -m` does it. Compiled as a program of its own, so that CPython notes an interrupt, and without
// its frame in the traceback.
bool run_module(const std::string& name, bool is_module) {
  py::dict scope;
  scope["name"] = py::reinterpret_steal<py::str>(PyUnicode_DecodeFSDefault(name.c_str()));
  scope["is_module"] = is_module;
  PyObject* const result = PyRun_String("import runpy; runpy._run_module_as_main(name, is_module)",
                                        Py_file_input, scope.ptr(), scope.ptr());
  if (result != nullptr) {
    Py_DECREF(result);
    return true;
  }
  py::error_already_set error;
  const py::object traceback = error.trace();
  if (traceback && !traceback.is_none()) {
    PyException_SetTraceback(error.value().ptr(), py::object(traceback.attr("tb_next")).ptr());
    error = py::error_already_set(std::move(error));
  }
  error.restore();
  PyErr_Print();
  return false;
}

// What `python` does with it, by the functions that it uses: exceptions are printed and kept in
// sys.last_type, SystemExit ends the process.
bool run_program(std::string_view kind, const std::string& what) {
  PyCompilerFlags flags = no_flags();
  if (kind == "file") {
    std::FILE* const file = std::fopen(what.c_str(), "rb");
    if (file == nullptr) throw Error(what + " is gone", "");
    // Closes it when it is read, before it runs.
    return PyRun_AnyFileExFlags(file, what.c_str(), 1, &flags) == 0;  // NOLINT(clang-analyzer-unix.Stream)
  }
  if (kind == "code") return PyRun_SimpleStringFlags(what.c_str(), &flags) == 0;
  if (kind == "input") return PyRun_AnyFileExFlags(stdin, "<stdin>", 0, &flags) == 0;
  return run_module(what, kind == "module");
}

bool was_interrupted() {
  PyObject* const type = PySys_GetObject("last_type");
  return type == PyExc_KeyboardInterrupt;
}

// -i, or PYTHONINSPECT: set by the program itself, perhaps.
void inspect() {
  const bool is_asked =
      py::module_::import("sys").attr("flags").attr("inspect").cast<int>() != 0 ||
      !py::module_::import("os").attr("environ").attr("get")("PYTHONINSPECT", "").equal(py::str(""));
  PyCompilerFlags flags = no_flags();
  if (is_asked && isatty(STDIN_FILENO) != 0) PyRun_AnyFileExFlags(stdin, "<stdin>", 0, &flags);
}

std::pair<std::string, std::string> prepare_program(const std::vector<std::string>& arguments,
                                                    const std::vector<std::string>& options) {
  try {
    return program_module()
        .attr("prepare")(to_bytes(arguments), to_bytes(options))
        .cast<std::pair<std::string, std::string>>();
  } catch (const py::error_already_set& error) {
    if (error.matches(PyExc_SystemExit)) {  // the script cannot be read
      install_frozen_modules();
      cli::point_to_module(arguments.front());
    }
    throw;
  }
}

}  // namespace

void prepare_interpreter() {
  install_frozen_modules();
  py::module_::import("_gilscope_bootstrap").attr("install_in_stock")();
}

StockHost::StockHost() {
  sigaction(SIGINT, nullptr, &interrupt_);
  if (interrupt_.sa_handler != SIG_IGN) std::signal(SIGINT, SIG_DFL);
}

StockHost::~StockHost() { give_interrupt_back(); }

void StockHost::give_interrupt_back() noexcept { sigaction(SIGINT, &interrupt_, nullptr); }

TrialProgram StockHost::program() const {
  std::vector<std::string> command;
  for (const auto& word : program_module().attr("own_command")()) command.push_back(encode(word));
  if (command.front().empty()) {
    throw Error("this Python does not know its own program: sys.executable is empty", "start it by its path");
  }
  return {.engine = Engine::Package, .command = std::move(command), .environment = {}};
}

std::filesystem::path StockHost::article_folder() const {
  const std::filesystem::path file = encode(py::module_::import("gilscope").attr("__file__"));
  return file.parent_path() / "article";
}

void StockHost::with_python(const std::function<void()>& work) {
  prepare_interpreter();
  program_module().attr("begin_main")();
  give_interrupt_back();
  work();
}

int StockHost::run_python(const std::vector<std::string>& arguments, const WhenReady& when_ready,
                          const std::vector<std::string>& command) {
  int code = 0;
  bool is_interrupted = false;
  {
    const std::vector<std::string> options(command.begin() + 1,
                                           command.end() - static_cast<std::ptrdiff_t>(arguments.size()));
    const auto program = prepare_program(arguments, options);
    prepare_interpreter();
    when_ready();
    give_interrupt_back();
    code = run_program(program.first, program.second) ? EXIT_SUCCESS : EXIT_FAILURE;
    is_interrupted = code != EXIT_SUCCESS && was_interrupted();
    inspect();
  }
  // As Py_RunMain() ends.
  constexpr int kCannotFlush = 120;
  if (Py_FinalizeEx() < 0) code = kCannotFlush;
  if (is_interrupted) {
    std::signal(SIGINT, SIG_DFL);
    kill(getpid(), SIGINT);
    code = 128 + SIGINT;  // where it is blocked
  }
  return code;
}

}  // namespace gilscope
