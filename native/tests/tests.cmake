# The drivers' own tests. Drivers and tests are built with AddressSanitizer and UndefinedBehaviorSanitizer, the kernels
# are not: those of the emulated GPU are checked by the emulator.
enable_testing()

function(sanitize)
    foreach(target ${ARGN})
        target_compile_options(${target} PRIVATE -g -fsanitize=address,undefined -fno-sanitize-recover=all)
        target_link_options(${target} PRIVATE -fsanitize=address,undefined)
    endforeach()
endfunction()
sanitize(spos_host spos_simt)

add_custom_target(native_tests)

# add_native_test(NAME DRIVER SOURCES...): a program of doctest's, linked to a driver and beside it.
function(add_native_test name driver)
    add_executable(${name} tests/main.cpp ${ARGN})
    target_link_libraries(${name} PRIVATE ${driver})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
    sanitize(${name})
    add_dependencies(native_tests ${name})
    add_test(NAME ${name} COMMAND ${name})
endfunction()

set_source_files_properties(tests/emulator.cu PROPERTIES LANGUAGE CXX
    COMPILE_DEFINITIONS "SPOS_MODULE=\"emulator\"" OBJECT_DEPENDS "${toolchain_headers}")
add_simt_kernel_library(spos_kernels_simt_tests tests/emulator.cu)
add_native_test(emulator_test spos_simt tests/emulator_kernels_test.cpp tests/emulator_streams_test.cpp)
add_dependencies(emulator_test spos_kernels_simt_tests)
set_tests_properties(emulator_test PROPERTIES ENVIRONMENT
    "SPOS_SIMT_KERNELS=${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/libspos_kernels_simt_tests.so")
