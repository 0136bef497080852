#include <Python.h>

#include "run/surroundings.h"

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include "run/build_variable.h"
#include "support/environment.h"
#include "support/json_values.h"
#include "support/machine.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

// As bytes, which a path may be of any kind; "" of what is no text. Takes the reference.
std::string take_text(PyObject* object) {
  PyObject* const bytes = object == nullptr || PyUnicode_Check(object) == 0
                              ? nullptr
                              : PyUnicode_AsEncodedString(object, "utf-8", "surrogateescape");
  std::string text = bytes == nullptr ? "" : PyBytes_AsString(bytes);
  PyErr_Clear();
  Py_XDECREF(bytes);
  Py_XDECREF(object);
  return text;
}

// Of the module sys; sitecustomize may have made it anything.
std::string system_text(const char* name) { return take_text(Py_XNewRef(PySys_GetObject(name))); }

std::string multiarch() {
  PyObject* const implementation = PySys_GetObject("implementation");
  return implementation == nullptr ? "" : take_text(PyObject_GetAttrString(implementation, "_multiarch"));
}

// What sysconfig.get_config_var has. From the file that it would import from sys.path, since that takes 30 ms
// and a dozen modules; nothing where that is not there as text.
std::optional<std::string> read_config_args() {
  const auto module = environment_variable("_PYTHON_SYSCONFIGDATA_NAME")
                          .value_or(fmt::format("_sysconfigdata_{}_{}_{}", system_text("abiflags"),
                                                system_text("platform"), multiarch()));
  PyObject* const folders = PySys_GetObject("path");
  const Py_ssize_t count = folders != nullptr && PyList_Check(folders) != 0 ? PyList_Size(folders) : 0;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const std::filesystem::path folder = take_text(Py_XNewRef(PyList_GetItem(folders, i)));
    std::error_code error;
    const auto file = folder / (module + ".py");
    if (!std::filesystem::is_regular_file(file, error)) continue;
    return find_build_variable(read_text(file).value_or(""), "CONFIG_ARGS");
  }
  return std::nullopt;
}

std::string version() {
  const std::string text = Py_GetVersion();
  return text.substr(0, text.find(' '));
}

constexpr bool is_free_threaded() {
#ifdef Py_GIL_DISABLED
  return true;
#else
  return false;
#endif
}

}  // namespace

std::vector<std::filesystem::path> find_program_folders() {
  std::vector<std::filesystem::path> folders;
  std::error_code error;
  if (auto current = std::filesystem::current_path(error); !error && current != current.root_path()) {
    folders.push_back(std::move(current));
  }
  PyObject* const arguments = PySys_GetObject("argv");
  const bool is_given = arguments != nullptr && PyList_Check(arguments) != 0 && PyList_Size(arguments) > 0;
  const auto name = is_given ? take_text(Py_XNewRef(PyList_GetItem(arguments, 0))) : "";
  if (name.empty() || name.starts_with('-')) return folders;
  auto program = std::filesystem::canonical(name, error);
  if (error) return folders;
  const bool is_script = std::filesystem::is_regular_file(program, error);
  const auto folder = program.parent_path();
  folders.push_back(is_script && folder != folder.root_path() ? folder : program);
  return folders;
}

bool is_runnable_module(const std::string& name) {
  PyObject* const bootstrap = PyImport_ImportModule("_gilscope_bootstrap");
  PyObject* const answer =
      bootstrap == nullptr ? nullptr : PyObject_CallMethod(bootstrap, "is_runnable", "s", name.c_str());
  const bool is_one = answer == Py_True;
  PyErr_Clear();  // finders may be anybody's, and names no text
  Py_XDECREF(answer);
  Py_XDECREF(bootstrap);
  return is_one;
}

Surroundings look_around(Linkage linkage) {
  const Machine machine = read_machine();
  return {.python = {{"version", version()},
                     {"implementation", "CPython"},
                     {"executable", system_text("executable")},
                     {"linkage", to_string(linkage)},
                     {"free_threaded", is_free_threaded()},
                     {"config_args", or_null(read_config_args())}},
          .machine = {{"cpus", or_null(machine.cpus)},
                      {"usable_cpus", or_null(machine.usable_cpus)},
                      {"model", or_null(machine.model)}}};
}

}  // namespace gilscope
