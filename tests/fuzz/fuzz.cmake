find_package(ZLIB REQUIRED)

# decode_fuzz: the decoders of pictures against mutated files. Included by native/CMakeLists.txt for -DSPOS_FUZZ=ON.
add_executable(decode_fuzz ${CMAKE_CURRENT_LIST_DIR}/decode_fuzz.cpp ${CMAKE_CURRENT_LIST_DIR}/mutator.cpp
    ${jpeg_sources} ${picture_sources})
target_include_directories(decode_fuzz PRIVATE ${CMAKE_SOURCE_DIR})
target_include_directories(decode_fuzz SYSTEM PRIVATE ${WEBP_INCLUDE_DIR})
target_compile_options(decode_fuzz PRIVATE -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all)
target_link_options(decode_fuzz PRIVATE -fsanitize=address,undefined)
target_link_libraries(decode_fuzz PRIVATE JPEG::JPEG ZLIB::ZLIB ${picture_libraries})
