# Several files of a library are one unit for the compiler, which takes most of its time for the headers that they share:
# CMake's own unity build. Off for who changes one file again and again (preset dev), and for clang-tidy, which looks at files.
option(GILSCOPE_TOGETHER "Compile the files of a library together" ON)

# compile_together(TARGET FILES): the files of a folder are groups of so many, few enough that one changed file compiles in
# seconds. Those that include Python's headers are groups of their own, as ccache knows none of them with another Python.
# Names in the unnamed namespaces of a folder must therefore differ.
function(compile_together target files)
  if(NOT GILSCOPE_TOGETHER)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "[.]cpp$")
  foreach(source ${sources})
    get_source_file_property(alone ${source} SKIP_UNITY_BUILD_INCLUSION)
    if(alone)
      continue()
    endif()
    file(STRINGS ${source} python REGEX "#include <(Python[.]h|pybind11/)" LIMIT_COUNT 1)
    if(python)
      set(kind python)
    else()
      cmake_path(GET source PARENT_PATH folder)
      cmake_path(GET folder FILENAME kind)
    endif()
    list(APPEND of_${kind} ${source})
    list(LENGTH of_${kind} number)
    math(EXPR group "(${number} - 1) / ${files}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${kind}_${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
