# The C++ libraries that host and extension are built with. Gives nlohmann_json::nlohmann_json, CLI11::CLI11 and
# gilscope::spdlog (spdlog and fmt). They come from the system; what it lacks, or has in a version older than those of
# Debian 12, is fetched: headers only, pinned by hash (docs/decisions/0013).
#
# FETCHCONTENT_FULLY_DISCONNECTED=ON fetches nothing. Not by FetchContent itself: where it cannot have an archive, it
# ends the configuration with pages that do not say what to install.
set(missing_libraries "")

# fetch_headers(LIBRARY::NAME DEBIAN_PACKAGE SHA256 URL [SHA256 URL]…): makes the target from the first archive that can
# be had and is the pinned one. Where none is, appends the library to `missing_libraries`.
function(fetch_headers target package)
  set(folder ${CMAKE_BINARY_DIR}/fetched/${package})
  while(ARGN AND NOT EXISTS ${folder} AND NOT FETCHCONTENT_FULLY_DISCONNECTED)
    list(POP_FRONT ARGN sha256 url)
    message(STATUS "gilscope: fetching ${url}")
    file(DOWNLOAD ${url} ${folder}.archive INACTIVITY_TIMEOUT 30 STATUS status)
    list(GET status 0 failure)
    if(NOT failure)
      file(SHA256 ${folder}.archive found)
      if(NOT found STREQUAL sha256)
        message(STATUS "gilscope: that is not the pinned one: its SHA-256 is ${found}")
      else()
        file(ARCHIVE_EXTRACT INPUT ${folder}.archive DESTINATION ${folder}.unpacked)
        file(RENAME ${folder}.unpacked ${folder})  # at once: an interrupted one is no folder
      endif()
    endif()
    file(REMOVE ${folder}.archive)
  endwhile()
  file(GLOB include_folder ${folder}/*/include)
  if(NOT include_folder)
    string(REGEX REPLACE "::.*" "" library ${target})
    set(missing_libraries ${missing_libraries} "${library} (Debian's package ${package})" PARENT_SCOPE)
    return()
  endif()
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} INTERFACE ${include_folder})
endfunction()

find_package(nlohmann_json 3.11.2 QUIET)
if(NOT nlohmann_json_FOUND)
  # Debian's archive is GitHub's.
  set(nlohmann_json_sha256 0d8ef5af7f9794e3263480193c491549b2ba6cc74bb018906202ada498a79406)
  fetch_headers(nlohmann_json::nlohmann_json nlohmann-json3-dev
    ${nlohmann_json_sha256} https://github.com/nlohmann/json/archive/refs/tags/v3.11.3.tar.gz
    ${nlohmann_json_sha256}
    https://deb.debian.org/debian/pool/main/n/nlohmann-json3/nlohmann-json3_3.11.3.orig.tar.gz)
endif()

find_package(CLI11 2.1 QUIET)
if(NOT CLI11_FOUND)
  fetch_headers(CLI11::CLI11 libcli11-dev
    73b7ec52261ce8fe980a29df6b4ceb66243bb0b779451dbd3d014cfec9fdbb58
    https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.4.1.tar.gz
    0b8fbf2398875f15f30a675c7f412123a2aaa38df2863e991de72004fd5f1292
    https://deb.debian.org/debian/pool/main/c/cli11/cli11_2.4.1+ds.orig.tar.xz)
endif()

# spdlog and fmt of one origin: a spdlog with a copy of fmt in it will not do, as we include <fmt/…> as well. Of both the
# headers alone, the system's too: an extension takes no library along. host/support/fmt.cpp compiles fmt once.
find_package(Threads REQUIRED)
find_package(fmt 9.1 QUIET CONFIG)
find_package(spdlog 1.10 QUIET CONFIG)
if(NOT (fmt_FOUND AND spdlog_FOUND AND (SPDLOG_FMT_EXTERNAL OR SPDLOG_FMT_EXTERNAL_HO)))
  fetch_headers(fmt::fmt libfmt-dev
    78b8c0a72b1c35e4443a7e308df52498252d1cefc2b08c9a97bc9ee6cfe61f8b
    https://github.com/fmtlib/fmt/archive/refs/tags/10.1.1.tar.gz
    7000f214d2628f04174822f8048c573f1608194408d7931121595a03f1c18a17
    https://deb.debian.org/debian/pool/main/f/fmtlib/fmtlib_10.1.1+ds1.orig.tar.gz)
  fetch_headers(spdlog::spdlog_header_only libspdlog-dev
    7a80896357f3e8e920e85e92633b14ba0f229c506e6f978578bdc35ba09e9a5d
    https://github.com/gabime/spdlog/archive/refs/tags/v1.15.2.tar.gz
    47c34d1efd947b6b81fe514dc772a8fb7c3a781050f7b19c09099575c16f6d5f
    https://deb.debian.org/debian/pool/main/s/spdlog/spdlog_1.15.2+ds.orig.tar.xz)
endif()
add_library(gilscope_spdlog INTERFACE)
add_library(gilscope::spdlog ALIAS gilscope_spdlog)
target_include_directories(gilscope_spdlog SYSTEM INTERFACE
  $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>
  $<TARGET_PROPERTY:spdlog::spdlog_header_only,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_definitions(gilscope_spdlog INTERFACE
  SPDLOG_FMT_EXTERNAL $<$<VERSION_GREATER_EQUAL:0${fmt_VERSION},11>:FMT_HEADER_ONLY>)
target_link_libraries(gilscope_spdlog INTERFACE Threads::Threads)

if(missing_libraries)
  list(JOIN missing_libraries ", " missing_libraries)
  message(FATAL_ERROR
    "gilscope: C++ libraries are missing here, and cannot be fetched: ${missing_libraries}. Try: install them")
endif()
