// Lets what is compiled on a newer system run with glibc 2.28 and the libstdc++ of that time, as libtorch does. For each function that a
// later one gave a new symbol version, the linker's --wrap (see prebuilt.cmake) sends calls here, and these go to the version that every
// system has. Only what the binaries use is listed; the check of scripts/package.mjs names what is missing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

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
OLD(int, dlclose, (void* library)) { return old_dlclose(library); }
OLD(char*, dlerror, (void)) { return old_dlerror(); }
OLD(int, dladdr, (const void* address, Dl_info* info)) { return old_dladdr(address, info); }

// 2.32: libstdc++'s headers read it to save atomic operations; zero is always right
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;

// 2.30: std::condition_variable waits by the steady clock with it; an older one, whose conditions go by the real time, is woken early or
// late when that is set meanwhile, and then looks at the steady clock again
int __wrap_pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const struct timespec* until) {
  struct timespec now, real;
  clock_gettime(clock, &now);
  clock_gettime(CLOCK_REALTIME, &real);
  const long long second = 1000000000LL;
  const long long wait = (until->tv_sec - now.tv_sec) * second + (until->tv_nsec - now.tv_nsec);
  const long long at = real.tv_nsec + (wait > 0 ? wait : 0);
  const struct timespec deadline = {real.tv_sec + at / second, at % second};
  return pthread_cond_timedwait(condition, mutex, &deadline);
}

// GLIBCXX_3.4.30: std::condition_variable::wait(std::unique_lock<std::mutex>&), which was there before under 3.4.11
__asm__(".symver old_condition_wait,_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
extern void old_condition_wait(void* condition, void* lock);
void __wrap__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(void* condition, void* lock) {
  old_condition_wait(condition, lock);
}

// GLIBCXX_3.4.29: std::stringbuf::str() const &, as C++20 declares it, which headers of libtorch use; it was there before without the &.
// `result` is where the string goes, as functions get it that return an object.
extern void* _ZNKSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEE3strEv(void* result, const void* buffer);
void* __wrap__ZNKRSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEE3strEv(void* result, const void* buffer) {
  return _ZNKSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEE3strEv(result, buffer);
}
