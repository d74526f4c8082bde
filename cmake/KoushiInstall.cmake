# cmake --install gives bin/koushi, the Python module, the decks and the job scripts.
include(GNUInstallDirs)
if(TARGET koushi)
  install(TARGETS koushi RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY inputs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/koushi/inputs)
install(DIRECTORY jobs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/koushi/jobs USE_SOURCE_PERMISSIONS)
install(DIRECTORY src/app/python/ DESTINATION ${CMAKE_INSTALL_DATADIR}/koushi/python
  PATTERN __pycache__ EXCLUDE)
