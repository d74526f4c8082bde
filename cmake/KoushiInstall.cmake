# cmake --install gives bin/koushi, decks, job scripts, the Python module, and the package koushi: headers, archives and the Kokkos that they were built with.
# Nothing of it names the folder it stands in.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(TARGET koushi_app)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/koushi)
  install(TARGETS koushi RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  get_property(rooms GLOBAL PROPERTY KOUSHI_ROOMS)
  list(TRANSFORM rooms PREPEND koushi_)
  install(TARGETS ${rooms} EXPORT koushi-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT koushi-targets NAMESPACE koushi:: DESTINATION ${package})
  install(DIRECTORY include/koushi DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  configure_package_config_file(cmake/koushiConfig.cmake.in ${PROJECT_BINARY_DIR}/koushiConfig.cmake INSTALL_DESTINATION ${package})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/koushiConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/koushiConfig.cmake ${PROJECT_BINARY_DIR}/koushiConfigVersion.cmake cmake/KoushiLibraries.cmake DESTINATION ${package})
  if(kokkos_BINARY_DIR)
    # Built inside koushi, and installed where only the package looks, so that it meets no other Kokkos of that prefix.
    install(CODE "
      set(_koushi_prefix \${CMAKE_INSTALL_PREFIX})
      set(CMAKE_INSTALL_PREFIX \${_koushi_prefix}/${CMAKE_INSTALL_LIBDIR}/koushi/kokkos)
      include(${kokkos_BINARY_DIR}/cmake_install.cmake)
      set(CMAKE_INSTALL_PREFIX \${_koushi_prefix})")
  endif()
endif()
install(FILES LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY inputs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/koushi/inputs)
install(DIRECTORY jobs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/koushi/jobs USE_SOURCE_PERMISSIONS
  PATTERN quickstart.sh EXCLUDE PATTERN setup.sh EXCLUDE)  # for a checkout
install(DIRECTORY src/app/python/ DESTINATION ${CMAKE_INSTALL_DATADIR}/koushi/python
  PATTERN __pycache__ EXCLUDE)
