// What the libraries of a bundle ask of glibc, in versions that glibc 2.31 has. The linker sends calls of the functions
// named in portable.cmake here (--wrap), those of static libraries too. A glibc newer than the one that this was built
// with keeps the old versions, for programs of the time before.
#include <sys/stat.h>

// glibc 2.32 tells whether the process has one thread, which libstdc++ asks before it counts references without
// atomics. Ours always has several.
extern "C" __attribute__((visibility("hidden"))) char __libc_single_threaded;
char __libc_single_threaded = 0;

// The same function under its older version: a jump, so that arguments and the caller's address stay as they are.
#define SPOS_OLDER(NAME, VERSION)                                                           \
    __asm__(".symver spos_older_" #NAME ", " #NAME "@GLIBC_" VERSION                        \
            "\n"                                                                            \
            ".text\n.globl __wrap_" #NAME "\n.hidden __wrap_" #NAME "\n.type __wrap_" #NAME \
            ", @function\n__wrap_" #NAME ": jmp spos_older_" #NAME "@PLT\n")

SPOS_OLDER(dladdr, "2.2.5");
SPOS_OLDER(dlclose, "2.2.5");
SPOS_OLDER(dlerror, "2.2.5");
SPOS_OLDER(dlopen, "2.2.5");
SPOS_OLDER(dlsym, "2.2.5");
SPOS_OLDER(pthread_create, "2.2.5");
SPOS_OLDER(pthread_detach, "2.2.5");
SPOS_OLDER(pthread_getspecific, "2.2.5");
SPOS_OLDER(pthread_join, "2.2.5");
SPOS_OLDER(pthread_key_create, "2.2.5");
SPOS_OLDER(pthread_key_delete, "2.2.5");
SPOS_OLDER(pthread_mutex_trylock, "2.2.5");
SPOS_OLDER(pthread_once, "2.2.5");
SPOS_OLDER(pthread_rwlock_destroy, "2.2.5");
SPOS_OLDER(pthread_rwlock_init, "2.2.5");
SPOS_OLDER(pthread_rwlock_rdlock, "2.2.5");
SPOS_OLDER(pthread_rwlock_unlock, "2.2.5");
SPOS_OLDER(pthread_rwlock_wrlock, "2.2.5");
SPOS_OLDER(pthread_setspecific, "2.2.5");

// Before glibc 2.33 these were macros over functions that take the version of the structure.
extern "C" {
int spos_older_xstat(int version, const char* path, struct stat* status);
int spos_older_fxstat(int version, int file, struct stat* status);
__asm__(".symver spos_older_xstat, __xstat64@GLIBC_2.2.5\n.symver spos_older_fxstat, __fxstat64@GLIBC_2.2.5");

#define SPOS_HIDDEN __attribute__((visibility("hidden")))
SPOS_HIDDEN int __wrap_stat(const char* path, struct stat* status) { return spos_older_xstat(1, path, status); }
SPOS_HIDDEN int __wrap_stat64(const char* path, struct stat* status) { return spos_older_xstat(1, path, status); }
SPOS_HIDDEN int __wrap_fstat(int file, struct stat* status) { return spos_older_fxstat(1, file, status); }
SPOS_HIDDEN int __wrap_fstat64(int file, struct stat* status) { return spos_older_fxstat(1, file, status); }
}
