# The drivers' own tests. Drivers and tests are built with AddressSanitizer and UndefinedBehaviorSanitizer, the kernels
# are not: those of the emulated GPU are checked by the emulator.
enable_testing()

function(sanitize)
    foreach(target ${ARGN})
        # -O1: compiling the checks takes long enough.
        target_compile_options(${target} PRIVATE -O1 -g -fsanitize=address,undefined
            -fno-sanitize-recover=all)
        target_link_options(${target} PRIVATE -fsanitize=address,undefined)
    endforeach()
endfunction()
sanitize(spos_host spos_simt spos_checking)

# doctest itself is not what is tested.
add_library(doctest_main OBJECT tests/main.cpp)
target_compile_options(doctest_main PRIVATE -O0)
add_library(boundary_test OBJECT tests/boundary_test.cpp)
sanitize(boundary_test)

# add_native_test(NAME DRIVER SOURCES...): a program of doctest's, linked to a driver and beside it.
function(add_native_test name driver)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE doctest_main ${driver})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
    sanitize(${name})
    add_test(NAME ${name} COMMAND ${name})
endfunction()

set_source_files_properties(tests/emulator.cu PROPERTIES LANGUAGE CXX
    COMPILE_DEFINITIONS "SPOS_MODULE=\"emulator\"" OBJECT_DEPENDS "${toolchain_headers}")
add_simt_kernel_library(spos_kernels_simt_tests tests/emulator.cu)
add_native_test(emulator_test spos_simt tests/emulator_graphs_test.cpp tests/emulator_kernels_test.cpp
    tests/emulator_streams_test.cpp)
add_dependencies(emulator_test spos_kernels_simt_tests)
set_tests_properties(emulator_test PROPERTIES ENVIRONMENT
    "SPOS_SIMT_KERNELS=${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/libspos_kernels_simt_tests.so")

# The same tests for each driver. The kernels' tables are all that they need of a library of kernels.
add_native_test(boundary_host_test spos_host $<TARGET_OBJECTS:boundary_test>)
add_dependencies(boundary_host_test spos_kernels_x86-64)
set_tests_properties(boundary_host_test PROPERTIES ENVIRONMENT "SPOS_CPU=x86-64")
add_native_test(boundary_simt_test spos_simt $<TARGET_OBJECTS:boundary_test>)
add_dependencies(boundary_simt_test spos_kernels_simt)

add_native_test(checking_test spos_checking tests/checking_test.cpp)
set_tests_properties(checking_test PROPERTIES ENVIRONMENT "SPOS_CHECKED_DEVICES=2")

add_native_test(jpeg_test JPEG::JPEG tests/jpeg_test.cpp ${jpeg_sources})

# Indices beyond 32 bits: the kernels' sources, all of them and with checks of their arithmetic, on the CPU and on the
# emulated GPU.
file(GLOB indexed_sources CONFIGURE_DEPENDS kernels/*.cu)
foreach(source ${indexed_sources})
    get_filename_component(module ${source} NAME_WE)
    set_source_files_properties(${source} PROPERTIES LANGUAGE CXX
        COMPILE_DEFINITIONS "SPOS_MODULE=\"${module}\"" OBJECT_DEPENDS "${toolchain_headers}")
endforeach()
add_library(index_test OBJECT tests/index_test.cpp)
sanitize(index_test)

add_library(spos_kernels_checked MODULE ${indexed_sources} driver/kernel_table.cpp driver/kernel_arithmetic.cpp)
target_include_directories(spos_kernels_checked PRIVATE kernels)
# -O0: few of their blocks run, and compiling them takes twice as long with -O1.
target_compile_options(spos_kernels_checked PRIVATE -O0 -march=x86-64 -Wno-psabi -fno-trapping-math -fno-math-errno
    -fsanitize=signed-integer-overflow -x c++ -include ${CMAKE_SOURCE_DIR}/toolchains/host.h)
add_executable(index_host_test $<TARGET_OBJECTS:index_test> tests/index_host.cpp)
target_link_libraries(index_host_test PRIVATE doctest_main ${CMAKE_DL_LIBS})
# The kernels find spos_kernel_overflow in it.
set_target_properties(index_host_test PROPERTIES ENABLE_EXPORTS ON
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
target_compile_definitions(index_host_test PRIVATE SPOS_CHECKED_KERNELS="$<TARGET_FILE:spos_kernels_checked>")
add_dependencies(index_host_test spos_kernels_checked)
sanitize(index_host_test)
add_test(NAME index_host_test COMMAND index_host_test)

add_simt_kernel_library(spos_kernels_simt_indexed ${indexed_sources})
add_native_test(index_simt_test spos_simt $<TARGET_OBJECTS:index_test> tests/index_simt.cpp)
add_dependencies(index_simt_test spos_kernels_simt_indexed)
set_tests_properties(index_simt_test PROPERTIES ENVIRONMENT
    "SPOS_SIMT_KERNELS=$<TARGET_FILE:spos_kernels_simt_indexed>")
