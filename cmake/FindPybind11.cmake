# pybind11 as the chosen Python's own package has it; the system's where that Python has none.
set(PYBIND11_FINDPYTHON ON)
find_package(Python REQUIRED COMPONENTS Interpreter)
if(Python_INTERPRETER_ID MATCHES "PyPy|IronPython")
  message(FATAL_ERROR
    "gilscope: ${Python_EXECUTABLE} is ${Python_INTERPRETER_ID}, and gilscope measures CPython's GIL. Try: build with a "
    "CPython from 3.11 on")
endif()
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
execute_process(
  COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir
  OUTPUT_VARIABLE pybind11_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
find_package(pybind11 3.1 CONFIG REQUIRED)
