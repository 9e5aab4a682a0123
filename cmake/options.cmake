# SPDX-License-Identifier: Apache-2.0
# Compiler settings that hold for the whole tree.
option(HFFS_TESTS "build the tests" ON)
option(HFFS_FUZZ "build the fuzzers, and only what they need" OFF)
option(HFFS_WERROR "treat warnings as errors" OFF)
set(HFFS_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64 HFFS_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wwrite-strings -Wstrict-prototypes
	-Wmissing-prototypes -Wold-style-definition -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough
	-fno-common -fno-strict-aliasing -fstack-protector-strong)
if(HFFS_WERROR)
	add_compile_options(-Werror)
endif()
if(HFFS_SANITIZE)
	add_compile_options(-fsanitize=${HFFS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
	add_link_options(-fsanitize=${HFFS_SANITIZE})
else()
	add_link_options(-Wl,-z,relro,-z,now)
endif()
include_directories(${PROJECT_SOURCE_DIR}/include)
