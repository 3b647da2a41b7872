# Tests, found by name and registered with CTest. How they are organised: docs/testing.md.

set(test_timeout_s 900)
set(skip_code 77) # a script that exits with this was skipped
set(with_scratch ${CMAKE_SOURCE_DIR}/tools/with_scratch.sh)
set(test_environment
    "TPWALLET=${CMAKE_BINARY_DIR}/tpwallet"
    "TPWALLET_BUILD=${CMAKE_BINARY_DIR}"
    "TPWALLET_SOURCE=${CMAKE_SOURCE_DIR}"
    "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

# test_register(name label command...): every test gets its own scratch directory.
function(test_register name label)
  add_test(NAME ${name} COMMAND ${with_scratch} ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES
    LABELS ${label} TIMEOUT ${test_timeout_s} SKIP_RETURN_CODE ${skip_code}
    ENVIRONMENT "${test_environment}")
endfunction()

# test_program(name label libs sources...): built into tests/, run without arguments.
function(test_program name label libs)
  add_executable(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${libs} PkgConfig::CMOCKA)
  if(JANSSON_FOUND)
    target_link_libraries(${name} PRIVATE PkgConfig::JANSSON)
  endif()
  test_register(${name} ${label} $<TARGET_FILE:${name}>)
endfunction()

# Each file with a main() is a program; the others are linked into every program beside it, and
# so are those of the folders named behind the label.
function(test_folder folder label)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/*.c)
  set(shared)
  set(programs)
  foreach(source IN LISTS sources)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(STRINGS ${source} main_line REGEX "^int main\\(")
    if(main_line)
      list(APPEND programs ${source})
    else()
      list(APPEND shared ${source})
    endif()
  endforeach()
  set(others)
  foreach(other IN LISTS ARGN)
    if(TARGET ${other}_cases)
      list(APPEND others ${other}_cases)
    endif()
  endforeach()
  set(shared_lib ${others})
  if(shared)
    add_library(${folder}_cases STATIC ${shared})
    target_include_directories(${folder}_cases PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
    target_link_libraries(${folder}_cases PUBLIC ${others} ${everything} PkgConfig::CMOCKA)
    set(shared_lib ${folder}_cases ${others})
  endif()
  foreach(source IN LISTS programs)
    cmake_path(GET source STEM stem)
    test_program(tests_${folder}_${stem} ${label} "${shared_lib};${everything}" ${source})
  endforeach()
  test_scripts(${folder} ${label})
endfunction()

function(test_scripts folder label)
  file(GLOB scripts CONFIGURE_DEPENDS tests/${folder}/*_test.sh tests/${folder}/*_test.py)
  foreach(script IN LISTS scripts)
    cmake_path(GET script STEM stem)
    cmake_path(GET script EXTENSION extension)
    if(stem STREQUAL "planted_test" AND (TPWALLET_SANITIZE OR NOT CMAKE_C_COMPILER_ID STREQUAL "GNU"))
      continue() # it builds programs of its own, the same in every build
    endif()
    if(extension STREQUAL ".py")
      set(interpreter ${TPWALLET_PYTHON})
    else()
      set(interpreter bash)
    endif()
    test_register(tests_${folder}_${stem} ${label} ${interpreter} ${script})
  endforeach()
endfunction()

# --- fuzz targets: libFuzzer in the fuzz build, elsewhere a replay of the corpus ---
file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/*_fuzz.c)
foreach(source IN LISTS fuzz_sources)
  cmake_path(GET source STEM stem)
  string(REGEX REPLACE "_fuzz$" "" subject ${stem})
  if(TPWALLET_SANITIZE STREQUAL "fuzzer")
    add_executable(${stem} ${source})
    target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${stem} ${source} tests/fuzz/replay.c)
    test_register(fuzz-replay_${subject} fuzz
      $<TARGET_FILE:${stem}> ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${subject})
  endif()
  set_target_properties(${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  target_include_directories(${stem} PRIVATE src)
  target_link_libraries(${stem} PRIVATE ${everything})
  if(JANSSON_FOUND)
    target_link_libraries(${stem} PRIVATE PkgConfig::JANSSON)
  endif()
endforeach()
if(TPWALLET_SANITIZE STREQUAL "fuzzer")
  return() # the fuzz build runs nothing else
endif()

if(NOT CMOCKA_FOUND)
  message(STATUS "cmocka is not installed: no test programs (tools/setup.sh --for test)")
  test_scripts(e2e e2e)
  return()
endif()

# --- unit tests: src/*/x_test.c, linked with their layer and what lies below it ---
foreach(layer IN LISTS layers)
  file(GLOB sources CONFIGURE_DEPENDS src/${layer}/*_test.c)
  if(layer MATCHES "^(api|sim|adapter|cmd)$")
    set(libs ${everything})
  else()
    set(libs ${layer} ${below_${layer}})
  endif()
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM stem)
    test_program(${layer}_${stem} ${layer} "${libs}" ${source})
  endforeach()
endforeach()

test_folder(port port)
test_folder(sim sim)
test_folder(e2e e2e)

# Those that talk to real servers, each by the name of what it needs most.
test_folder(postgres postgres port)
foreach(folder kafka redis ha otel)
  test_folder(${folder} ${folder} postgres port)
endforeach()
test_folder(doctor cases postgres port) # `doctor` is the label of that layer's own tests
