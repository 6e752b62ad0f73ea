# One target a folder of src/. The sources are found by name, so that a new file needs no line here:
#   *.cc           the library visor_<name>
#   *_test.cc      the test program test_<name> (one test a line in ctest)
#
# visor_folder(<name> USES <other folders> LIBRARIES <third-party targets>)
# A slash in <name> is written as an underscore in the target's name.
function(visor_folder name)
  cmake_parse_arguments(FOLDER "" "" "USES;LIBRARIES;TEST_USES" ${ARGN})
  string(REPLACE "/" "_" target "${name}")
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cc)
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()
  list(TRANSFORM FOLDER_USES REPLACE "/" "_")
  list(TRANSFORM FOLDER_USES PREPEND visor_)
  list(TRANSFORM FOLDER_TEST_USES REPLACE "/" "_")
  list(TRANSFORM FOLDER_TEST_USES PREPEND visor_)

  if(sources)
    add_library(visor_${target} STATIC ${sources})
    target_include_directories(visor_${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(visor_${target} PUBLIC ${FOLDER_USES} PRIVATE ${FOLDER_LIBRARIES})
  else()
    add_library(visor_${target} INTERFACE)
    target_include_directories(visor_${target} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(visor_${target} INTERFACE ${FOLDER_USES})
  endif()

  if(VISOR_TESTS AND tests)
    add_executable(test_${target} ${tests})
    target_include_directories(test_${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(test_${target} PRIVATE visor_${target} ${FOLDER_TEST_USES} ${FOLDER_LIBRARIES}
                          GTest::gtest GTest::gtest_main Threads::Threads)
    gtest_discover_tests(test_${target} TEST_PREFIX "${name}: " DISCOVERY_TIMEOUT 300 PROPERTIES TIMEOUT 900)
  endif()
endfunction()
