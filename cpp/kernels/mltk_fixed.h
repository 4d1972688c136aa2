/* Fixed-point arithmetic of the kernels, as TensorFlow Lite's reference kernels round. `>>` of a negative
   number is arithmetic in every compiler that these sources are for; a test checks it.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#ifndef MLTK_FIXED_H_
#define MLTK_FIXED_H_

#include <stdint.h>

#include "mltk_kernels.h"

/* a * b / 2^31, halves upwards; saturates where both are the least number. */
static inline int32_t mltk_high_product(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* x / 2^by, halves away from zero; by is 0 to 31. */
static inline int32_t mltk_round_shift(int32_t x, int by) {
  const int32_t mask = (int32_t)((1u << by) - 1u);
  const int32_t half = (mask >> 1) + (x < 0);
  return (x >> by) + ((x & mask) > half);
}

/* x * multiplier / 2^31 * 2^shift; a shift to the left comes first. */
static inline int32_t mltk_rescale(int32_t x, int32_t multiplier, int shift) {
  if (shift > 0) return mltk_high_product((int32_t)((uint32_t)x << shift), multiplier);
  return mltk_round_shift(mltk_high_product(x, multiplier), -shift);
}

static inline int8_t mltk_clamp(int32_t value, int32_t low, int32_t high) {
  return (int8_t)(value < low ? low : value > high ? high : value);
}

/* The output of one channel from its sum. */
static inline int8_t mltk_scaled(const mltk_scale* scale, uint32_t channel, int32_t sum) {
  int32_t value;
  if (scale->narrow) {
    value = mltk_high_product(sum, scale->multiplier[channel]);
    value = (((value + (value >> 31)) >> scale->shift[channel]) + 1) >> 1;
  } else {
    value = mltk_rescale(sum, scale->multiplier[channel], scale->shift[channel]);
  }
  return mltk_clamp(value + scale->zero, scale->low, scale->high);
}

#endif /* MLTK_FIXED_H_ */
