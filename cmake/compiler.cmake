# One place for the language level, the warnings and the sanitizers.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

# g++ 12 miscompiles common co_await expressions: temporaries on the right of co_await are destroyed twice, and some loops
# around one never end. The server would corrupt memory, so the build stops here rather than at 3 a.m.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles C++20 coroutines (double frees around co_await). "
    "Use clang++-19 (apt-get install clang-19; cmake -DCMAKE_CXX_COMPILER=clang++-19) or scripts/build, which does.")
endif()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or RelWithDebInfo" FORCE)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror -fno-omit-frame-pointer)
add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2> _GLIBCXX_ASSERTIONS)
add_compile_options(-fstack-protector-strong -fPIE)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(VISOR_SANITIZE "" CACHE STRING "address (with undefined), thread, or empty")
if(VISOR_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -U_FORTIFY_SOURCE -O1 -g1)
  add_link_options(-fsanitize=address,undefined)
elseif(VISOR_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -U_FORTIFY_SOURCE -O1 -g1)
  add_link_options(-fsanitize=thread)
elseif(VISOR_SANITIZE)
  message(FATAL_ERROR "VISOR_SANITIZE is '${VISOR_SANITIZE}'; it takes 'address', 'thread' or nothing")
endif()

find_program(VISOR_LINKER NAMES ld.lld-19 ld.lld)
if(VISOR_LINKER AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options(--ld-path=${VISOR_LINKER})
endif()
find_program(VISOR_CCACHE ccache)
if(VISOR_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${VISOR_CCACHE})
endif()
