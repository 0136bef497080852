# One interface target that every target of ours links: warnings as errors, and the sanitizer of the preset.
option(GILSCOPE_WERROR "Take the compiler's warnings for errors" ON)
set(GILSCOPE_SANITIZER "" CACHE STRING "address or thread, as -fsanitize= takes it; empty for none")

add_library(gilscope_options INTERFACE)
target_compile_options(gilscope_options INTERFACE
  -Wall -Wextra -Wpedantic $<$<BOOL:${GILSCOPE_WERROR}>:-Werror> -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wdouble-promotion
  -Wno-missing-field-initializers)  # designated initialisers leave the rest at its default, on purpose
# Before 3.13, "#" formats fail at run time without it; here, as it must come before the first <Python.h> of a unit.
target_compile_definitions(gilscope_options INTERFACE PY_SSIZE_T_CLEAN)
if(GILSCOPE_SANITIZER)
  target_compile_options(gilscope_options INTERFACE
    -fsanitize=${GILSCOPE_SANITIZER} -fno-omit-frame-pointer -g
    # GCC's ThreadSanitizer does not know of fences: ours order reads of what CPython or another process writes.
    $<$<STREQUAL:${GILSCOPE_SANITIZER},thread>:-Wno-tsan>)
  target_link_options(gilscope_options INTERFACE -fsanitize=${GILSCOPE_SANITIZER})
endif()

# optimize_little(TARGET): what is done once a run, or for people to read, compiles in two thirds of the time so. Never what
# an event, or a file of events, goes through.
function(optimize_little target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
