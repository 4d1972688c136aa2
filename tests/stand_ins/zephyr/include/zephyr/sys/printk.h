#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void __attribute__((format(printf, 1, 2))) printk(const char* fmt, ...);

#ifdef __cplusplus
}
#endif
