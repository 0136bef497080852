# What `pip install` and `make wheel` put beside the Python files of the package. Where a host was built here for a Python
# of this ABI, the extension is in its build too, of the same objects: that one is brought up to date and taken.
#
# Sets package_build to the folder of that build; "" where the extension is to be built.

# What `gilscope article` runs.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/python/article DESTINATION gilscope FILES_MATCHING PATTERN "*.py")

set(package_build "")
file(GLOB extension ${PROJECT_SOURCE_DIR}/build/*/release/extensions/_native.${SKBUILD_SOABI}.so)
if(GILSCOPE_TAKE_BUILT AND extension)
  list(GET extension 0 extension)
  cmake_path(GET extension PARENT_PATH folder)
  cmake_path(GET folder PARENT_PATH folder)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${folder} --target _native RESULT_VARIABLE failure OUTPUT_QUIET ERROR_QUIET)
  if(failure EQUAL 0)
    message(STATUS "gilscope: takes the extension of ${folder}")
    install(PROGRAMS ${extension} DESTINATION gilscope)
    set(package_build ${folder})
    load_cache(${folder} READ_WITH_PREFIX "" pybind11_DIR)
  endif()
endif()
