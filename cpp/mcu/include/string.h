/* The memory functions of <string.h>, for compilers that come without a C library; libc.cpp defines them. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void* memcpy(void* to, const void* from, size_t count);
void* memmove(void* to, const void* from, size_t count);
void* memset(void* to, int value, size_t count);

#ifdef __cplusplus
}
#endif
