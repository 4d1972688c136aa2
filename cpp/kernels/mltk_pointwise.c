/* Layers that compute each value from one value, or from two; portable.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_fixed.h"

#ifdef MLTK_KERNELS_DSP /* for sums that its kernel is not for */
#include "mltk_dsp.h"
#define mltk_add_s8 mltk_plain_add_s8
#endif

#ifndef MLTK_KERNELS_MVE

/* Fractional bits that the inputs of a sum are given before they are scaled, as in TensorFlow Lite. */
enum { kSumBits = 20 };

static inline int32_t term(int8_t value, int32_t zero, int32_t multiplier, int shift) {
  return mltk_rescale((value - zero) * (1 << kSumBits), multiplier, shift);
}

void mltk_add_s8(const mltk_pair* layer, const int8_t* a, const int8_t* b, int8_t* out) {
  for (uint32_t row = 0; row < layer->rows; ++row, a += layer->a_row_step, b += layer->b_row_step) {
    const int8_t *left = a, *right = b;
    for (uint32_t i = 0; i < layer->count; ++i, left += layer->a_step, right += layer->b_step) {
      const int32_t sum = term(*left, layer->a_zero, layer->a_multiplier, layer->a_shift) +
                          layer->b_sign * term(*right, layer->b_zero, layer->b_multiplier, layer->b_shift);
      const int32_t value = mltk_rescale(sum, layer->out_multiplier, layer->out_shift) + layer->out_zero;
      *out++ = mltk_clamp(value, layer->low, layer->high);
    }
  }
}

void mltk_mul_s8(const mltk_pair* layer, const int8_t* a, const int8_t* b, int8_t* out) {
  for (uint32_t row = 0; row < layer->rows; ++row, a += layer->a_row_step, b += layer->b_row_step) {
    const int8_t *left = a, *right = b;
    for (uint32_t i = 0; i < layer->count; ++i, left += layer->a_step, right += layer->b_step) {
      const int32_t product = (*left - layer->a_zero) * (*right - layer->b_zero);
      const int32_t value = mltk_rescale(product, layer->out_multiplier, layer->out_shift) + layer->out_zero;
      *out++ = mltk_clamp(value, layer->low, layer->high);
    }
  }
}

void mltk_table_s8(const int8_t* table, uint32_t count, const int8_t* in, int8_t* out) {
  for (uint32_t i = 0; i < count; ++i) out[i] = table[in[i] + 128];
}

#endif

/* To the nearest, halves away from zero, as round() does; the values are small enough for int32 after
 * clamping. */
void mltk_quantise_f32(float scale, int32_t zero, uint32_t count, const float* in, int8_t* out) {
  for (uint32_t i = 0; i < count; ++i) {
    const float value = in[i] / scale;
    /* What is no number is the least one. */
    const float bounded = value > 512.0f ? 512.0f : value > -512.0f ? value : -512.0f;
    int32_t whole = (int32_t)bounded; /* towards zero */
    const float rest = bounded - (float)whole;
    whole += rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
    out[i] = mltk_clamp(whole + zero, -128, 127);
  }
}

void mltk_dequantise_s8(float scale, int32_t zero, uint32_t count, const int8_t* in, float* out) {
  for (uint32_t i = 0; i < count; ++i) out[i] = scale * (float)(in[i] - zero);
}
