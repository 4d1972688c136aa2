/* What the kernels for the DSP extension (Cortex-M4, M7, M33) share: its instructions, and the blocks of sums
   that convolutions and dense layers are made of. On other processors the same instructions are C, so that a
   host can test the kernels: -DMLTK_KERNELS_DSP.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#ifndef MLTK_DSP_H_
#define MLTK_DSP_H_

#include <stdint.h>
#include <string.h>

#include "mltk_kernels.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define MLTK_DSP_ASSEMBLER 1
#endif

/* Four bytes from anywhere. */
static inline uint32_t mltk_word(const void* at) {
  uint32_t word;
#ifdef __GNUC__ /* one load, also where -ffreestanding makes a call of memcpy */
  __builtin_memcpy(&word, at, sizeof word);
#else
  memcpy(&word, at, sizeof word);
#endif
  return word;
}

/* Bytes 0 and 2 as two int16. */
static inline uint32_t mltk_even_bytes(uint32_t x) {
#ifdef MLTK_DSP_ASSEMBLER
  uint32_t y;
  __asm__("sxtb16 %0, %1" : "=r"(y) : "r"(x));
  return y;
#else
  return (uint32_t)(uint16_t)(int8_t)x | (uint32_t)(int8_t)(x >> 16) << 16;
#endif
}

/* Bytes 1 and 3 as two int16. */
static inline uint32_t mltk_odd_bytes(uint32_t x) {
#ifdef MLTK_DSP_ASSEMBLER
  uint32_t y;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(y) : "r"(x));
  return y;
#else
  return mltk_even_bytes(x >> 8);
#endif
}

/* Both int16 twice as great. */
static inline uint32_t mltk_twice(uint32_t x) {
#ifdef MLTK_DSP_ASSEMBLER
  uint32_t y;
  __asm__("sadd16 %0, %1, %1" : "=r"(y) : "r"(x));
  return y;
#else
  return (x << 1 & 0xFFFEu) | x >> 16 << 17;
#endif
}

/* The lower halves, that of `low` below. */
static inline uint32_t mltk_lower(uint32_t low, uint32_t high) {
#ifdef MLTK_DSP_ASSEMBLER
  uint32_t y;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(y) : "r"(low), "r"(high));
  return y;
#else
  return (low & 0xFFFFu) | high << 16;
#endif
}

/* The upper halves, that of `low` below. */
static inline uint32_t mltk_upper(uint32_t low, uint32_t high) {
#ifdef MLTK_DSP_ASSEMBLER
  uint32_t y;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(y) : "r"(high), "r"(low));
  return y;
#else
  return low >> 16 | (high & 0xFFFF0000u);
#endif
}

/* sum + both products of the int16 in a and b; wraps. */
static inline int32_t mltk_two_products(uint32_t a, uint32_t b, int32_t sum) {
#ifdef MLTK_DSP_ASSEMBLER
  int32_t y;
  __asm__("smlad %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum));
  return y;
#else
  const int32_t low = (int16_t)a * (int16_t)b, high = (int16_t)(a >> 16) * (int16_t)(b >> 16);
  return (int32_t)((uint32_t)sum + (uint32_t)low + (uint32_t)high);
#endif
}

/* sum + the product of the lower, or of the upper int16 in a and b; wraps. */
static inline int32_t mltk_lower_product(uint32_t a, uint32_t b, int32_t sum) {
#ifdef MLTK_DSP_ASSEMBLER
  int32_t y;
  __asm__("smlabb %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum));
  return y;
#else
  return (int32_t)((uint32_t)sum + (uint32_t)((int16_t)a * (int16_t)b));
#endif
}

static inline int32_t mltk_upper_product(uint32_t a, uint32_t b, int32_t sum) {
#ifdef MLTK_DSP_ASSEMBLER
  int32_t y;
  __asm__("smlatt %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum));
  return y;
#else
  return mltk_lower_product(a >> 16, b >> 16, sum);
#endif
}

/* a + b * c / 2^32, halves upwards. */
static inline int32_t mltk_high_sum(int32_t a, int32_t b, int32_t c) {
#ifdef MLTK_DSP_ASSEMBLER
  int32_t y;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(b), "r"(c), "r"(a));
  return y;
#else
  return a + (int32_t)(((int64_t)b * c + ((int64_t)1 << 31)) >> 32);
#endif
}

/* x / 2 as int8, rounded down. */
static inline int8_t mltk_half_saturated(int32_t x) {
#ifdef MLTK_DSP_ASSEMBLER
  int32_t y;
  __asm__("ssat %0, #8, %1, asr #1" : "=r"(y) : "r"(x));
  return (int8_t)y;
#else
  x >>= 1;
  return (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
#endif
}

/* An output of its sum, twice as great as it is: narrow, `half` being (2 * zero + 1) * 2^(right - 1) and `by`
   right - 1. Halves go away from zero: a negative number loses 1. */
static inline int8_t mltk_scaled_twice(int32_t doubled, int32_t multiplier, int32_t half, int by) {
  return mltk_half_saturated((mltk_high_sum(half, doubled, multiplier) + (doubled >> 31)) >> by);
}

/* The weights of two channels for four values, as mltk_like/codegen/packing.py writes them, and what follows
   them: (bias << 8 | right - 1) and the multiplier of each. */
typedef struct {
  int32_t groups; /* of four values */
  int32_t stride; /* of the output, from one pixel to the next */
  int32_t twice;  /* 2 * zero point of the output + 1 */
} mltk_block;

/* Outputs of 2 * pairs channels for three pixels (x: six words for each group of four values, values 0 and 2
   of each pixel, then 1 and 3) or one pixel (two words for each group). */
void mltk_three_pixels(const uint32_t* x, const int32_t* packed, int8_t* out, const mltk_block* block,
                       int32_t pairs);
void mltk_one_pixel(const uint32_t* x, const int32_t* packed, int8_t* out, const mltk_block* block,
                    int32_t pairs);

/* Sums of one pair, without bias: sums[pixel][channel]; nothing follows the weights. */
void mltk_three_sums(const uint32_t* x, const int32_t* packed, int32_t* sums, int32_t groups);
void mltk_one_sum(const uint32_t* x, const int32_t* packed, int32_t* sums, int32_t groups);

/* A line of a depthwise convolution's output. */
typedef struct {
  int32_t steps;   /* of four taps: mltk_depthwise_dsp.c */
  int32_t outputs; /* at least 1 */
  int32_t stride;  /* of the output, from one to the next */
} mltk_line;

/* Outputs of one channel, a value of the input or two from one to the next. */
void mltk_line_by_ones(const uint32_t* x, const int32_t* taps, int8_t* out, const mltk_line* line);
void mltk_line_by_twos(const uint32_t* x, const int32_t* taps, int8_t* out, const mltk_line* line);

/* Bounds that are narrower than those of int8, to which outputs are saturated before. */
static inline void mltk_bound(const mltk_scale* scale, int8_t* out, int count) {
  if (scale->low == -128 && scale->high == 127) return;
  for (int i = 0; i < count; ++i)
    out[i] = out[i] < scale->low ? scale->low : out[i] > scale->high ? scale->high : out[i];
}

/* The portable kernels, for layers that those for the DSP extension are not for. */
void mltk_plain_conv_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch);
void mltk_plain_dense_s8(const mltk_dense* layer, const int8_t* in, int8_t* out, void* scratch);
void mltk_plain_depthwise_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch);
void mltk_plain_add_s8(const mltk_pair* layer, const int8_t* a, const int8_t* b, int8_t* out);

#endif /* MLTK_DSP_H_ */
