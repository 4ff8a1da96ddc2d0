# Language, warnings, sanitizers and linker: everything that holds for all targets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(BAROGRAPH_WERROR "Treat warnings as errors" OFF)
option(BAROGRAPH_FUZZERS "Build the libFuzzer targets (clang only)" OFF)
option(BAROGRAPH_FAILPOINTS "Build named failpoints and mutants for the crash loop" OFF)
set(BAROGRAPH_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

find_program(BAROGRAPH_CCACHE ccache)
if(BAROGRAPH_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BAROGRAPH_CCACHE})
endif()
find_program(BAROGRAPH_MOLD mold)
if(BAROGRAPH_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

if(BAROGRAPH_SANITIZE)
  add_compile_options(-fsanitize=${BAROGRAPH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BAROGRAPH_SANITIZE})
endif()

# The thread sanitizer is told what it cannot see in libraries that were built without it.
if(BAROGRAPH_SANITIZE MATCHES thread)
  add_library(barograph_tsan STATIC ${PROJECT_SOURCE_DIR}/tests/tsan/absl_mutex.cc
              ${PROJECT_SOURCE_DIR}/tests/tsan/c11_threads.cc ${PROJECT_SOURCE_DIR}/tests/tsan/options.cc)
  link_libraries("$<LINK_LIBRARY:WHOLE_ARCHIVE,barograph_tsan>")
endif()

# Replay gives bit-identical state only if a compiler may not fuse floating-point operations.
add_compile_options(-ffp-contract=off)

add_library(barograph_warnings INTERFACE)
add_library(barograph::warnings ALIAS barograph_warnings)
target_compile_options(barograph_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wcast-align
                       -Woverloaded-virtual -Wno-missing-field-initializers $<$<BOOL:${BAROGRAPH_WERROR}>:-Werror>)
