/* What LLVM calls for copies in code that ThreadSanitizer watches, and the runtime of GCC 12 does
   not have yet: the runtime intercepts the functions of libc, which do the same. */
#include <string.h>

void *__tsan_memcpy(void *to, const void *from, size_t length) { return memcpy(to, from, length); }
void *__tsan_memmove(void *to, const void *from, size_t length) { return memmove(to, from, length); }
void *__tsan_memset(void *to, int byte, size_t length) { return memset(to, byte, length); }
