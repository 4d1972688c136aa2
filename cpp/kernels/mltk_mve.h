/* What the kernels for MVE (Cortex-M55, M85) share: copies, sums of products, and four outputs at once.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#ifndef MLTK_MVE_H_
#define MLTK_MVE_H_

#include "mltk_kernels.h"

#ifdef MLTK_KERNELS_MVE

#include <arm_mve.h>

#define MLTK_INLINE static inline __attribute__((always_inline))

MLTK_INLINE void mltk_copy(int8_t* to, const int8_t* from, int32_t count) {
  for (; count > 0; count -= 16, to += 16, from += 16) {
    const mve_pred16_t some = vctp8q((uint32_t)count);
    vstrbq_p_s8(to, vldrbq_z_s8(from, some), some);
  }
}

MLTK_INLINE void mltk_fill(int8_t* to, int8_t value, int32_t count) {
  for (; count > 0; count -= 16, to += 16) vstrbq_p_s8(to, vdupq_n_s8(value), vctp8q((uint32_t)count));
}

/* The lanes (a, b, c, d). */
MLTK_INLINE int32x4_t mltk_lanes(int32_t a, int32_t b, int32_t c, int32_t d) {
  int32x4_t lanes;
  __asm__("vmov %q0[2], %q0[0], %1, %3\n\tvmov %q0[3], %q0[1], %2, %4"
          : "=&w"(lanes)
          : "r"(a), "r"(b), "r"(c), "r"(d));
  return lanes;
}

/* Sums of products of `count` values, 16 at a time in a loop that leaves out by itself what lies beyond the
   count: two pixels by two outputs, one pixel by four outputs. The accumulators are even registers, as
   VMLADAVA wants them, and a load stands between any two products, as the core can do both at once. */
MLTK_INLINE void mltk_dots_2x2(const int8_t* x0, const int8_t* x1, const int8_t* w0, const int8_t* w1,
                               int count, int32_t s[4]) {
  int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%[x0]], #16\n\t"
      "vldrb.8 q1, [%[w0]], #16\n\t"
      "vmladava.s8 %[s00], q0, q1\n\t"
      "vldrb.8 q2, [%[w1]], #16\n\t"
      "vmladava.s8 %[s01], q0, q2\n\t"
      "vldrb.8 q3, [%[x1]], #16\n\t"
      "vmladava.s8 %[s10], q3, q1\n\t"
      "vmladava.s8 %[s11], q3, q2\n\t"
      "letp lr, 1b\n"
      "2:"
      : [x0] "+r"(x0), [x1] "+r"(x1), [w0] "+r"(w0), [w1] "+r"(w1), [s00] "+Te"(s00), [s01] "+Te"(s01),
        [s10] "+Te"(s10), [s11] "+Te"(s11)
      : [count] "r"(count)
      : "q0", "q1", "q2", "q3", "lr", "memory");
  s[0] = s00, s[1] = s01, s[2] = s10, s[3] = s11;
}

MLTK_INLINE void mltk_dots_1x4(const int8_t* x, const int8_t* const w[4], int count, int32_t s[4]) {
  const int8_t *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
  int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%[x]], #16\n\t"
      "vldrb.8 q1, [%[w0]], #16\n\t"
      "vmladava.s8 %[s0], q0, q1\n\t"
      "vldrb.8 q1, [%[w1]], #16\n\t"
      "vmladava.s8 %[s1], q0, q1\n\t"
      "vldrb.8 q1, [%[w2]], #16\n\t"
      "vmladava.s8 %[s2], q0, q1\n\t"
      "vldrb.8 q1, [%[w3]], #16\n\t"
      "vmladava.s8 %[s3], q0, q1\n\t"
      "letp lr, 1b\n"
      "2:"
      : [x] "+r"(x), [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [s0] "+Te"(s0),
        [s1] "+Te"(s1), [s2] "+Te"(s2), [s3] "+Te"(s3)
      : [count] "r"(count)
      : "q0", "q1", "lr", "memory");
  s[0] = s0, s[1] = s1, s[2] = s2, s[3] = s3;
}

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

/* mltk_scaled of lanes whose channels have these multipliers and shifts. */
MLTK_INLINE int32x4_t mltk_scaled_lanes(const mltk_scale* scale, int32x4_t sums, int32x4_t multiplier,
                                        int32x4_t shift) {
  int32x4_t value;
  if (scale->narrow) {
    value = vqrdmulhq_s32(sums, multiplier);
    value = vrshlq_s32(vaddq_s32(value, vshrq_n_s32(value, 31)), vmvnq_s32(shift)); /* ~shift is -right */
  } else {
    value = mltk_rescale_lanes(sums, multiplier, shift);
  }
  value = vaddq_n_s32(value, scale->zero);
  return vminq_s32(vmaxq_s32(value, vdupq_n_s32(scale->low)), vdupq_n_s32(scale->high));
}

#endif /* MLTK_KERNELS_MVE */

#endif /* MLTK_MVE_H_ */
