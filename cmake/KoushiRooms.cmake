# koushi_room(<room> SOURCES ... USES <rooms> LIBRARIES <targets>)
# One static library koushi::<room>, linked to exactly the rooms it may use. A cycle is an error of CMake. Without SOURCES a room is its headers.
set_property(GLOBAL PROPERTY GLOBAL_DEPENDS_NO_CYCLES ON)

# A quarter less time for a build. g++ compiles a whole source with the -ffp-contract of the headers, whatever the source's own is, and says nothing: targets
# share headers only where they have the same (off for network and field, and for those that link field). What a source forgets to include is not seen then: the headers of every room are compiled alone by the tests.
option(KOUSHI_PRECOMPILE "Sources share precompiled headers of Kokkos, Eigen, {fmt} and the standard library" ON)
if(KOUSHI_NVCC)
  set(KOUSHI_PRECOMPILE OFF)  # nvcc has none
endif()
# koushi_precompile(<target> <more headers>): the target's headers, which others of the same options may reuse.
function(koushi_precompile target)
  target_include_directories(${target} SYSTEM PRIVATE $<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>)
  target_precompile_headers(${target} PRIVATE <Eigen/Core> <Kokkos_Core.hpp> <Kokkos_SIMD.hpp> <fmt/format.h> <algorithm> <array> <cmath> <complex> <functional> <map> <memory> <numeric>
    <optional> <set> <string> <utility> <vector> ${ARGN})
endfunction()

function(koushi_room room)
  cmake_parse_arguments(R "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  set(scope PUBLIC)
  set(kind STATIC)
  if(NOT R_SOURCES)
    set(scope INTERFACE)
    set(kind INTERFACE)
  endif()
  add_library(koushi_${room} ${kind} ${R_SOURCES})
  add_library(koushi::${room} ALIAS koushi_${room})
  set_target_properties(koushi_${room} PROPERTIES EXPORT_NAME ${room})
  target_include_directories(koushi_${room} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  if(R_SOURCES)
    target_compile_options(koushi_${room} PRIVATE ${KOUSHI_COMPILE_OPTIONS})
    if(NOT KOUSHI_PRECOMPILE)
    elseif(room MATCHES "^(base|network|field|study|bench)$")
      koushi_precompile(koushi_${room})
    elseif(room MATCHES "^(analysis|app)$")
      target_precompile_headers(koushi_${room} REUSE_FROM koushi_study)
    else()
      target_precompile_headers(koushi_${room} REUSE_FROM koushi_base)
    endif()
  endif()
  list(TRANSFORM R_USES PREPEND koushi::)
  target_link_libraries(koushi_${room} ${scope} ${R_USES} ${R_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY KOUSHI_ROOMS ${room})
endfunction()

# koushi_kinds(<variable> <folder> HEADER <header> TYPE <Kinds type> FUNCTION <name>)
# The sources of a folder in which every file NAME.cpp defines NAME_kind() (deck/kind.hpp), and one more that collects them in FUNCTION(), declared in HEADER.
function(koushi_kinds variable folder)
  cmake_parse_arguments(K "" "HEADER;TYPE;FUNCTION" "" ${ARGN})
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
  set(declarations "")
  set(calls "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    string(APPEND declarations "${K_TYPE}::OneKind ${name}_kind();\n")
    list(APPEND calls "${name}_kind()")
  endforeach()
  list(JOIN calls ", " calls)
  set(list ${CMAKE_CURRENT_BINARY_DIR}/${folder}_kinds.cpp)
  file(CONFIGURE OUTPUT ${list} @ONLY CONTENT "// Written by CMake from the names of the files in the folder ${folder}.
#include \"@K_HEADER@\"
namespace koushi {
@declarations@@K_TYPE@& @K_FUNCTION@() {
  static @K_TYPE@ all({@calls@});
  return all;
}
}  // namespace koushi
")
  set(${variable} ${files} ${list} PARENT_SCOPE)
endfunction()
