// Bits of whole numbers, for every compiler.
#pragma once

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace mltk {

/// Number of zeros before the first one of 32 bits, for x > 0.
inline int leading_zeros(uint32_t x) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long first;
  _BitScanReverse(&first, x);
  return 31 - static_cast<int>(first);
#else
  return __builtin_clz(x);
#endif
}

}  // namespace mltk
