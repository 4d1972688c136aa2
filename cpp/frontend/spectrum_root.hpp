// The square root of a float, correctly rounded on every machine.
#pragma once

#include <stdint.h>
#include <string.h>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "bits.hpp"

namespace mltk {

/// Digit by digit, in integers. For x >= 0.
inline float root_in_integers(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  if (bits == 0 || bits >= 0x7F800000u) return x;
  int exponent = static_cast<int>(bits >> 23);
  uint32_t mantissa = bits & 0x7FFFFFu;
  if (exponent != 0) {
    mantissa |= 0x800000u;
  } else {
    const int up = leading_zeros(mantissa) - 8;
    mantissa <<= up;
    exponent = 1 - up;
  }
  // x = mantissa 2^(exponent - 150); of the even power of 2 in front, half goes to the root.
  const int power = exponent - 127;
  const int odd = power & 1;
  uint32_t rest = mantissa << (odd + 1), root = 0, twice = 0;
  for (uint32_t digit = 1u << 24; digit != 0; digit >>= 1) {  // 24 digits and one to round by
    if (twice + digit <= rest) {
      rest -= twice + digit;
      twice += 2 * digit;
      root += digit;
    }
    rest <<= 1;
  }
  // The digit after the last is never followed by zeros alone, so there are no ties.
  root = (root + 1) >> 1;
  const uint32_t result = (static_cast<uint32_t>((power - odd) / 2 + 126) << 23) + root;
  float value;
  memcpy(&value, &result, sizeof(value));
  return value;
}

inline float exact_root(float x) {
#if defined(__ARM_FP) && (__ARM_FP & 4) && defined(__arm__)
  float value;
  __asm__("vsqrt.f32 %0, %1" : "=t"(value) : "t"(x));
  return value;
#elif defined(__SSE__)
  return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
#else
  return root_in_integers(x);
#endif
}

}  // namespace mltk
