# Several files of a library are one unit for the compiler, which takes most of its time for the headers that they share:
# CMake's own unity build. Off for who changes one file again and again (preset dev), and for clang-tidy, which looks at files.
option(GILSCOPE_TOGETHER "Compile the files of a library together" ON)

# compile_together(TARGET FILES): those that include Python's headers are one group, as ccache knows none of them with
# another Python; the others of a folder are groups of so many, few enough that one changed file compiles in seconds. Names in
# the unnamed namespaces of a folder must therefore differ.
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
      set(group python)
    else()
      cmake_path(GET source PARENT_PATH folder)
      cmake_path(GET folder FILENAME folder)
      list(APPEND of_${folder} ${source})
      list(LENGTH of_${folder} number)
      math(EXPR group "(${number} - 1) / ${files}")
      set(group ${folder}_${group})
    endif()
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
