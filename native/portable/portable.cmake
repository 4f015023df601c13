# The libraries as a bundle carries them: the same objects, linked so that any x86-64 Linux of glibc 2.31 or newer loads
# them. libstdc++, libwebp and OpenSSL are inside, and glibc.cpp has the versions of glibc's functions that all of them have.
# The other libraries of pictures are looked for in the same folder: distributions name and build them differently.
# tools/bundle/make builds the target "portable", puts those libraries beside, and checks what all need.
foreach(name webpdemux webp ssl crypto)
    find_library(STATIC_${name} lib${name}.a)
    if(NOT STATIC_${name})
        message(STATUS "No bundle can be made: lib${name}.a is missing")
        return()
    endif()
endforeach()

add_library(portable_glibc OBJECT EXCLUDE_FROM_ALL portable/glibc.cpp)
add_custom_target(portable)

# The functions that glibc.cpp has.
file(STRINGS portable/glibc.cpp portable_functions REGEX "^SPOS_OLDER|int __wrap_")
string(REGEX MATCHALL "(OLDER\\(|__wrap_)[a-z_0-9]+" portable_functions "${portable_functions}")
list(TRANSFORM portable_functions REPLACE "OLDER\\(|__wrap_" "-Wl,--wrap=")

# make_portable(TARGET LIBRARIES...): how a library of that name is linked.
function(make_portable target)
    target_sources(${target}_portable PRIVATE $<TARGET_OBJECTS:portable_glibc>)
    target_link_libraries(${target}_portable PRIVATE ${ARGN})
    target_link_options(${target}_portable PRIVATE -static-libstdc++ -Wl,--gc-sections -Wl,--strip-all ${portable_functions}
        # Needed whatever the linker thinks: before glibc 2.34 these are where functions are.
        "LINKER:--push-state,--no-as-needed,-l:libdl.so.2,-l:libpthread.so.0,--pop-state")
    set_target_properties(${target}_portable PROPERTIES OUTPUT_NAME ${target} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/portable
        LINKER_LANGUAGE CXX BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
    add_dependencies(portable ${target}_portable)
endfunction()

# add_portable(TARGET LIBRARIES...): the objects of a target, linked anew.
function(add_portable target)
    add_library(${target}_portable SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:${target}>)
    target_link_options(${target}_portable PRIVATE -Wl,--exclude-libs,ALL)
    make_portable(${target} ${ARGN})
endfunction()

foreach(instruction_set x86-64 avx2 avx512)
    add_portable(spos_kernels_${instruction_set} m)
endforeach()
add_portable(spos_host)
add_portable(spos_simt)
add_portable(spos_kernels_simt spos_simt_portable m)
target_sources(spos_kernels_simt_portable PRIVATE $<TARGET_OBJECTS:spos_simt_table>)
add_portable(spos_simt_cudnn spos_simt_portable)
add_portable(spos_jpeg JPEG::JPEG)
# zlib is libpng's need, but only what this library itself needs is looked for beside it.
add_portable(spos_pictures PNG::PNG GIF::GIF ${STATIC_webpdemux} ${STATIC_webp} -Wl,--no-as-needed ZLIB::ZLIB)

# OpenSSL, for .NET's SHA-256: both of its libraries in one, under the name by which .NET asks for it.
file(WRITE ${CMAKE_BINARY_DIR}/portable-empty.cpp "")
add_library(ssl_portable SHARED EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/portable-empty.cpp)
make_portable(ssl -Wl,--whole-archive ${STATIC_ssl} ${STATIC_crypto} -Wl,--no-whole-archive)
set_target_properties(ssl_portable PROPERTIES SUFFIX ".so.3")
