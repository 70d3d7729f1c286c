// Lets what is compiled on a newer system run with glibc 2.28, as libtorch does. For each function that a later glibc gave a new symbol
// version, the linker's --wrap (see CMakeLists.txt) sends calls here, and these go to the version that every x86-64 glibc has. Only what the
// binaries use is listed; the check of scripts/package.mjs names what is missing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>

#define OLD(type, name, parameters) \
  __asm__(".symver old_" #name "," #name "@GLIBC_2.2.5"); \
  extern type old_##name parameters; \
  type __wrap_##name parameters

// 2.29: without the old error handling of SVID, which is off in both unless a program asks for it
OLD(double, pow, (double x, double y)) { return old_pow(x, y); }
OLD(double, exp, (double x)) { return old_exp(x); }
OLD(double, log, (double x)) { return old_log(x); }

// 2.33: was an inline function over this one
extern int __fxstat(int version, int file, struct stat* status);
int __wrap_fstat(int file, struct stat* status) { return __fxstat(1, file, status); }

// 2.34: moved from libpthread and libdl to libc
OLD(int, pthread_once, (pthread_once_t* once, void (*run)(void))) { return old_pthread_once(once, run); }
OLD(void*, dlopen, (const char* path, int flags)) { return old_dlopen(path, flags); }
OLD(void*, dlsym, (void* library, const char* name)) { return old_dlsym(library, name); }
OLD(char*, dlerror, (void)) { return old_dlerror(); }
OLD(int, dladdr, (const void* address, Dl_info* info)) { return old_dladdr(address, info); }

// 2.32: libstdc++'s headers read it to save atomic operations; zero is always right
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
