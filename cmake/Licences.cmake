# A wheel carries the licences of the libraries that are compiled into it.
if(NOT package_build)
  set(package_build ${CMAKE_BINARY_DIR})
endif()

# install_licence(DEBIAN_PACKAGE [PATTERN…]): the licence of what was fetched, or of the system's package; or else the
# first file that a pattern finds.
function(install_licence package)
  foreach(pattern ${package_build}/fetched/${package}/*/LICENSE* /usr/share/doc/${package}/copyright ${ARGN})
    file(GLOB licences ${pattern})
    if(licences)
      list(GET licences 0 licence)
      install(FILES ${licence} DESTINATION ${SKBUILD_METADATA_DIR}/licenses RENAME ${package})
      return()
    endif()
  endforeach()
  message(WARNING "gilscope: no licence of ${package} was found: do not give this wheel away without it")
endfunction()

install_licence(libspdlog-dev)
install_licence(libfmt-dev)
install_licence(nlohmann-json3-dev)
install_licence(libcli11-dev)
install_licence(pybind11-dev ${pybind11_DIR}/../../../../pybind11-*.dist-info/licenses/LICENSE)
