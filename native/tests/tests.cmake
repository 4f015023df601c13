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

add_library(doctest_main OBJECT tests/main.cpp)
add_library(boundary_test OBJECT tests/boundary_test.cpp)
sanitize(doctest_main boundary_test)

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
add_native_test(emulator_test spos_simt tests/emulator_kernels_test.cpp tests/emulator_streams_test.cpp)
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
