# What makes the binaries of a package: they run on systems older than the one that compiled them, and the loader opens libtorch.
# Linux on x86-64 only. scripts/package.mjs checks the result.
enable_language(C)

set(wrapped dladdr dlerror dlopen dlsym exp fstat log pow pthread_once) # the functions of glibc_2_28.c
list(TRANSFORM wrapped PREPEND -Wl,--wrap=)

set(glibc "${CMAKE_CURRENT_LIST_DIR}/glibc_2_28.c")
set_source_files_properties("${glibc}" DIRECTORY . src/cuda PROPERTIES COMPILE_OPTIONS -ffunction-sections SKIP_PRECOMPILE_HEADERS ON)

add_library(open_library MODULE "${CMAKE_CURRENT_LIST_DIR}/open_library.c")
set_target_properties(open_library PROPERTIES PREFIX "" SUFFIX ".node" C_VISIBILITY_PRESET hidden)
target_include_directories(open_library SYSTEM PRIVATE ${node_include_dirs})

foreach(target noether_native noether_cuda open_library)
  if(TARGET ${target})
    target_sources(${target} PRIVATE "${glibc}")
    target_link_options(${target} PRIVATE ${wrapped} -Wl,--gc-sections) # functions of glibc_2_28.c that nothing calls are left out
    set_target_properties(${target} PROPERTIES SKIP_BUILD_RPATH ON) # libtorch is not where it was on the machine that compiled
  endif()
endforeach()
