# What makes the binaries of a package: they run on systems older than the one that compiled them, and the loader opens libtorch.
# Linux on x86-64 only. scripts/package.mjs checks the result.
enable_language(C)

# the functions of older_systems.c
set(wrapped
  dladdr dlclose dlerror dlopen dlsym exp fstat log pow pthread_cond_clockwait pthread_once
  _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE
  _ZNKRSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEE3strEv)
list(TRANSFORM wrapped PREPEND -Wl,--wrap=)

set(older_systems "${CMAKE_CURRENT_LIST_DIR}/older_systems.c")
set_source_files_properties("${older_systems}" DIRECTORY . src/cuda PROPERTIES COMPILE_OPTIONS "-ffunction-sections;-fexceptions" SKIP_PRECOMPILE_HEADERS ON)

add_library(open_library MODULE "${CMAKE_CURRENT_LIST_DIR}/open_library.c")
set_target_properties(open_library PROPERTIES PREFIX "" SUFFIX ".node" C_VISIBILITY_PRESET hidden)
target_include_directories(open_library SYSTEM PRIVATE ${node_include_dirs})
target_link_libraries(open_library PRIVATE -Wl,--as-needed m stdc++) # of functions that are left out below

foreach(target noether_native noether_cuda open_library)
  if(TARGET ${target})
    target_sources(${target} PRIVATE "${older_systems}")
    target_link_options(${target} PRIVATE ${wrapped} -Wl,--gc-sections) # functions of older_systems.c that nothing calls are left out
    set_target_properties(${target} PROPERTIES SKIP_BUILD_RPATH ON) # libtorch is not where it was on the machine that compiled
  endif()
endforeach()
