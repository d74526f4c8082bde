# cmake -DSOURCE=<folder> -DGIT=<git> -DOUTPUT=<header> -P KoushiRevision.cmake
# Writes the revision of the sources, with -dirty where a tracked file differs from it, into a header, which is left alone if it says so already. Run whenever
# koushi is built, so that results name the sources that made them and not those of the last cmake.
cmake_minimum_required(VERSION 3.22)
set(revision unknown)
if(GIT AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${GIT} describe --always --dirty WORKING_DIRECTORY ${SOURCE}
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(revision ${described})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define KOUSHI_REVISION \"${revision}\"\n")
