# One call makes a library, its link test, its header check, its unit tests, benchmarks and fuzzers.
#
#   barograph_library(NAME window DIR window
#     SRCS ring.cc HDRS ring.h DEPS barograph::base THIRD_PARTY absl::flat_hash_map
#     TESTS ring_test.cc BENCHMARKS ring_benchmark.cc FUZZERS ring_fuzz.cc)
#
# DEPS are our own libraries and are the layer rule: tests/tidy/layers.py reads them and compares them with the #include
# lines. THIRD_PARTY are packages. TEST_HDRS are headers that only tests and benchmarks include: they are bound by the layer rule, not
# by the fences. Paths are relative to the calling CMakeLists.txt.
function(barograph_library)
  cmake_parse_arguments(arg "" "NAME" "SRCS;HDRS;DEPS;THIRD_PARTY;TESTS;TEST_HDRS;TEST_DEPS;BENCHMARKS;FUZZERS" ${ARGN})
  set(target barograph_${arg_NAME})
  if(arg_SRCS)
    add_library(${target} STATIC ${arg_SRCS} ${arg_HDRS})
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} PUBLIC ${arg_DEPS} ${arg_THIRD_PARTY} PRIVATE barograph::warnings)
    target_compile_definitions(${target} PUBLIC $<$<BOOL:${BAROGRAPH_FAILPOINTS}>:BAROGRAPH_FAILPOINTS=1>)
    barograph_link_test(${arg_NAME})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} INTERFACE ${arg_DEPS} ${arg_THIRD_PARTY})
  endif()
  add_library(barograph::${arg_NAME} ALIAS ${target})
  barograph_header_check(${arg_NAME} "${arg_HDRS}")
  barograph_unit_tests(${arg_NAME} "${arg_TESTS}" "${arg_TEST_DEPS}")
  barograph_benchmarks(${arg_NAME} "${arg_BENCHMARKS}" "${arg_TEST_DEPS}")
  barograph_fuzzers(${arg_NAME} "${arg_FUZZERS}" "${arg_TEST_DEPS}")
endfunction()

# Links the whole archive with an empty main: a dependency that is used but not declared fails here.
function(barograph_link_test name)
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${name}_link_main.cc)
  file(CONFIGURE OUTPUT ${file} CONTENT "int main() { return 0; }\n")
  add_executable(${name}_link_test ${file})
  target_link_libraries(${name}_link_test PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,barograph_${name}>")
  set_property(TARGET ${name}_link_test PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/link_tests)
endfunction()

# Every header compiles alone.
function(barograph_header_check name headers)
  if(NOT headers OR NOT BAROGRAPH_WERROR)
    return()
  endif()
  set(sources)
  foreach(header IN LISTS headers)
    cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE folder)
    string(REPLACE "/" "_" flat ${header})
    set(file ${CMAKE_CURRENT_BINARY_DIR}/header_${name}_${flat}.cc)
    file(CONFIGURE OUTPUT ${file} CONTENT "#include \"${folder}/${header}\"  // NOLINT\n")
    list(APPEND sources ${file})
  endforeach()
  add_library(${name}_header_check OBJECT ${sources})
  target_link_libraries(${name}_header_check PRIVATE barograph_${name} barograph::warnings)
  # Only whether it compiles is asked: no code worth optimising or instrumenting comes of it.
  target_compile_options(${name}_header_check PRIVATE -O0 -g0 -fno-sanitize=all)
endfunction()

# One test binary a library; ctest runs it whole, labelled `unit`.
function(barograph_unit_tests name tests deps)
  if(NOT tests)
    return()
  endif()
  add_executable(${name}_test ${tests})
  target_link_libraries(${name}_test PRIVATE barograph_${name} ${deps} barograph::warnings GTest::gmock GTest::gtest_main)
  set_property(TARGET ${name}_test PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_compile_definitions(${name}_test PRIVATE BAROGRAPH_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME unit.${name} COMMAND ${name}_test)
  set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 600)
endfunction()

function(barograph_benchmarks name benchmarks deps)
  if(NOT benchmarks)
    return()
  endif()
  add_executable(${name}_benchmark ${benchmarks})
  target_link_libraries(${name}_benchmark PRIVATE barograph_${name} ${deps} barograph::warnings benchmark::benchmark_main)
  set_property(TARGET ${name}_benchmark PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/benchmarks)
endfunction()

# One libFuzzer binary per file foo_fuzz.cc.
function(barograph_fuzzers name fuzzers deps)
  if(NOT BAROGRAPH_FUZZERS)
    return()
  endif()
  foreach(source IN LISTS fuzzers)
    get_filename_component(fuzzer ${source} NAME_WE)
    add_executable(${fuzzer} ${source})
    target_link_libraries(${fuzzer} PRIVATE barograph_${name} ${deps} barograph::warnings)
    target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
    set_property(TARGET ${fuzzer} PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzzers)
  endforeach()
endfunction()
