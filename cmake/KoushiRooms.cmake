# koushi_room(<room> SOURCES ... USES <rooms> LIBRARIES <targets>)
# One static library koushi::<room>, linked to exactly the rooms it may use. A cycle is an error of CMake.
set_property(GLOBAL PROPERTY GLOBAL_DEPENDS_NO_CYCLES ON)

function(koushi_room room)
  cmake_parse_arguments(R "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_library(koushi_${room} STATIC ${R_SOURCES})
  add_library(koushi::${room} ALIAS koushi_${room})
  target_include_directories(koushi_${room} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>
    $<INSTALL_INTERFACE:include>)
  target_compile_options(koushi_${room} PRIVATE ${KOUSHI_COMPILE_OPTIONS})
  list(TRANSFORM R_USES PREPEND koushi::)
  target_link_libraries(koushi_${room} PUBLIC ${R_USES} ${R_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY KOUSHI_ROOMS ${room})
endfunction()
