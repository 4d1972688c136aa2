/* What the kernels for MVE (Cortex-M55, M85) share: copies, sums of products, and four outputs at once.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#ifndef MLTK_MVE_H_
#define MLTK_MVE_H_

#include "mltk_kernels.h"

#ifdef MLTK_KERNELS_MVE

#include <arm_mve.h>

#define MLTK_INLINE static inline __attribute__((always_inline))

/* Both use loops that leave out by themselves what lies beyond the count. */
MLTK_INLINE void mltk_copy(int8_t* to, const int8_t* from, int32_t count) {
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%[from]], #16\n\t"
      "vstrb.8 q0, [%[to]], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : [to] "+r"(to), [from] "+r"(from)
      : [count] "r"(count)
      : "q0", "lr", "memory");
}

MLTK_INLINE void mltk_fill(int8_t* to, int8_t value, int32_t count) {
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vstrb.8 %q[values], [%[to]], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : [to] "+r"(to)
      : [count] "r"(count), [values] "w"(vdupq_n_s8(value))
      : "lr", "memory");
}

/* Lanes 0 and 2, lanes 1 and 3. */
#define MLTK_SET_EVEN(lanes, a, b) __asm__("vmov %q0[2], %q0[0], %1, %2" : "=w"(lanes) : "r"(a), "r"(b))
#define MLTK_SET_ODD(lanes, a, b) __asm__("vmov %q0[3], %q0[1], %1, %2" : "+w"(lanes) : "r"(a), "r"(b))

/* How sums become outputs. */
typedef enum {
  kMltkWide,
  kMltkNarrow,
  kMltkRelu /* narrow, and nothing below the zero point is left: how negative halves round does not matter */
} mltk_mode;

MLTK_INLINE mltk_mode mltk_mode_of(const mltk_scale* scale) {
  if (!scale->narrow) return kMltkWide;
  return scale->low >= scale->zero ? kMltkRelu : kMltkNarrow;
}

/* Calls `function` with the mode as a constant. */
#define MLTK_WITH_MODE(scale, function, ...)       \
  do {                                             \
    switch (mltk_mode_of(scale)) {                 \
      case kMltkWide:                              \
        function(kMltkWide, scale, __VA_ARGS__);   \
        break;                                     \
      case kMltkNarrow:                            \
        function(kMltkNarrow, scale, __VA_ARGS__); \
        break;                                     \
      case kMltkRelu:                              \
        function(kMltkRelu, scale, __VA_ARGS__);   \
        break;                                     \
    }                                              \
  } while (0)

/* x / 2^by of lanes, halves away from zero; `shift` is -by, 0 to -31. */
MLTK_INLINE int32x4_t mltk_round_shift_lanes(int32x4_t x, int32x4_t shift) {
  const int32x4_t down =
      vshrq_n_s32(vandq_s32(x, shift), 31); /* -1 where x is negative and there is a shift */
  return vrshlq_s32(vqaddq_s32(x, down), shift);
}

/* mltk_rescale of lanes: a shift to the left comes first. */
MLTK_INLINE int32x4_t mltk_rescale_lanes(int32x4_t x, int32x4_t multiplier, int32x4_t shift) {
  const int32x4_t none = vdupq_n_s32(0);
  x = vqrdmulhq_s32(vshlq_s32(x, vmaxq_s32(shift, none)), multiplier);
  return mltk_round_shift_lanes(x, vminq_s32(shift, none));
}

/* What mltk_scaled_lanes does the same for all channels. */
typedef struct {
  int32x4_t low, high;
  int32_t zero;
} mltk_range;

MLTK_INLINE mltk_range mltk_range_of(const mltk_scale* scale) {
  const mltk_range range = {vdupq_n_s32(scale->low), vdupq_n_s32(scale->high), scale->zero};
  return range;
}

/* mltk_scale's shift, as mltk_scaled_lanes takes it: narrow, ~(right - 1) is -right. */
MLTK_INLINE int32x4_t mltk_shift_lanes(mltk_mode mode, int32x4_t shift) {
  return mode == kMltkWide ? shift : vmvnq_s32(shift);
}

/* mltk_scaled of lanes whose channels have these multipliers and shifts. */
MLTK_INLINE int32x4_t mltk_scaled_lanes(mltk_mode mode, mltk_range range, int32x4_t sums,
                                        int32x4_t multiplier, int32x4_t shift) {
  int32x4_t value;
  if (mode == kMltkWide) {
    value = mltk_rescale_lanes(sums, multiplier, shift);
  } else {
    value = vqrdmulhq_s32(sums, multiplier);
    if (mode == kMltkNarrow) value = vaddq_s32(value, vshrq_n_s32(value, 31));
    value = vrshlq_s32(value, shift);
  }
  return vminq_s32(vmaxq_s32(vaddq_n_s32(value, range.zero), range.low), range.high);
}

#endif /* MLTK_KERNELS_MVE */

#endif /* MLTK_MVE_H_ */
