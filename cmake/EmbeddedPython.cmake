# gilscope::python: what embeds the chosen CPython. Static where the build ships libpython*.a that links and runs
# (faster than a shared one on most builds: docs/decisions/0002), else the shared library.
execute_process(
  COMMAND ${Python_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/python_linkage.py
  OUTPUT_VARIABLE python_linkage OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
string(JSON python_static_library GET "${python_linkage}" static_library)
string(JSON python_shared_library GET "${python_linkage}" shared_library)
string(JSON python_system_libraries GET "${python_linkage}" system_libraries)
string(JSON python_rpath GET "${python_linkage}" rpath)
string(JSON python_rpath_option GET "${python_linkage}" rpath_option)
string(JSON GILSCOPE_PYTHON_EXECUTABLE GET "${python_linkage}" executable)

set(python_static_options
  -Wl,--export-dynamic -Wl,--whole-archive ${python_static_library} -Wl,--no-whole-archive ${python_system_libraries})
if(python_shared_library)
  execute_process(
    COMMAND ${Python_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/linkable_library.py ${python_shared_library} ${CMAKE_BINARY_DIR}
    OUTPUT_VARIABLE python_library_to_link OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  # A copy goes to the linker past CMake, which would have the host look for libraries in the copy's folder.
  if(NOT "${python_library_to_link}" STREQUAL "${python_shared_library}")
    string(PREPEND python_library_to_link -Wl,)
  endif()
endif()
# Of the host itself the package's extension looks for this one symbol (host/probe/nesting.h).
set(python_shared_options
  ${python_library_to_link} ${python_rpath_option} -Wl,-rpath,${python_rpath}
  -Wl,--export-dynamic-symbol=gilscope_running_probes)

# Sets `linkage` to this one if a program that embeds CPython with its options links and starts.
function(try_linkage name)
  try_run(runs links ${CMAKE_BINARY_DIR}/embedding SOURCES ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/embedding_check.cpp
    CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${Python_INCLUDE_DIRS}
    LINK_LIBRARIES ${python_${name}_options}
    RUN_OUTPUT_VARIABLE run_output COMPILE_OUTPUT_VARIABLE link_output)
  if(links AND runs EQUAL 0)
    set(linkage ${name} PARENT_SCOPE)
  else()
    file(APPEND ${CMAKE_BINARY_DIR}/embedding.log "${python_${name}_options}\n${link_output}\n${run_output}\n")
  endif()
  unset(runs CACHE)
  unset(links CACHE)
endfunction()

set(linkage "")
if(NOT GILSCOPE_LINKAGE STREQUAL "shared" AND python_static_library)
  try_linkage(static)
  if(NOT linkage)
    # Debian's libpython*.a is not position-independent.
    list(PREPEND python_static_options -no-pie)
    try_linkage(static)
  endif()
endif()
if(NOT linkage AND NOT GILSCOPE_LINKAGE STREQUAL "static" AND python_shared_library)
  try_linkage(shared)
endif()
if(NOT linkage)
  message(FATAL_ERROR
    "gilscope: ${Python_EXECUTABLE} has no libpython that links and starts (linkage asked for: ${GILSCOPE_LINKAGE}). "
    "Found: static '${python_static_library}', shared '${python_shared_library}'. What the linker said is in "
    "${CMAKE_BINARY_DIR}/embedding.log. Try: install the Python's development package (python3-dev), or build it "
    "with --enable-shared.")
endif()
message(STATUS "gilscope: embeds CPython ${Python_VERSION} (${linkage}) of ${GILSCOPE_PYTHON_EXECUTABLE}")

set(GILSCOPE_PYTHON_LINKAGE ${linkage})
add_library(gilscope_python INTERFACE)
add_library(gilscope::python ALIAS gilscope_python)
target_link_libraries(gilscope_python INTERFACE ${python_${linkage}_options})
