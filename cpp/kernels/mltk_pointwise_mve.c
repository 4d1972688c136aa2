/* Layers that compute each value from one value, or from two, for MVE: four values at a time, a table
   sixteen.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_mve.h"

#ifdef MLTK_KERNELS_MVE

/* Fractional bits that the inputs of a sum are given before they are scaled, as in TensorFlow Lite. */
enum { kSumBits = 20 };

/* mltk_rescale with the same numbers for all lanes. Before a value is shifted to the right, a negative one
   becomes less by 1: -1 is what a shift of it by -31 leaves; a shift by 32 leaves 0 where nothing is shifted.
 */
typedef struct {
  int32_t left, multiplier, right; /* right is not above 0 */
  int32x4_t sign;
} rescaling;

MLTK_INLINE rescaling rescaling_of(int32_t multiplier, int shift, int bits) {
  const rescaling r = {bits + (shift > 0 ? shift : 0), multiplier, shift < 0 ? shift : 0,
                       vdupq_n_s32(shift < 0 ? -31 : 32)};
  return r;
}

MLTK_INLINE int32x4_t rescaled(const rescaling* r, int32x4_t x) {
  x = vqrdmulhq_n_s32(vshlq_r_s32(x, r->left), r->multiplier);
  return vrshlq_n_s32(vaddq_s32(x, vshlq_s32(x, r->sign)), r->right);
}

typedef struct {
  rescaling a, b, out;
  int32x4_t low, high;
} numbers;

/* Four outputs of four pairs. */
MLTK_INLINE int32x4_t outputs(const mltk_pair* layer, const numbers* n, int product, int32x4_t a,
                              int32x4_t b) {
  a = vsubq_n_s32(a, layer->a_zero);
  b = vsubq_n_s32(b, layer->b_zero);
  const int32x4_t both =
      product ? vmulq_s32(a, b) : vmlaq_n_s32(rescaled(&n->a, a), rescaled(&n->b, b), layer->b_sign);
  const int32x4_t value = vaddq_n_s32(rescaled(&n->out, both), layer->out_zero);
  return vminq_s32(vmaxq_s32(value, n->low), n->high);
}

/* One row; `plain`: no value is there once for all. */
MLTK_INLINE void one_row(const mltk_pair* layer, const numbers* n, int product, int plain, const int8_t* a,
                         const int8_t* b, int8_t* out) {
  const uint32x4_t lanes = vidupq_n_u32(0, 1);
  const uint32_t a_step = plain ? 1 : layer->a_step, b_step = plain ? 1 : layer->b_step;
  const uint32x4_t from_a = vmulq_n_u32(lanes, a_step), from_b = vmulq_n_u32(lanes, b_step);
  uint32_t left = layer->count;
  for (; left >= 4; left -= 4, a += 4 * a_step, b += 4 * b_step, out += 4) {
    const int32x4_t x = plain ? vldrbq_s32(a) : vldrbq_gather_offset_s32(a, from_a);
    const int32x4_t y = plain ? vldrbq_s32(b) : vldrbq_gather_offset_s32(b, from_b);
    vstrbq_s32(out, outputs(layer, n, product, x, y));
  }
  if (left == 0) return;
  const mve_pred16_t some = vctp32q(left);
  const int32x4_t x = vldrbq_gather_offset_z_s32(a, from_a, some);
  const int32x4_t y = vldrbq_gather_offset_z_s32(b, from_b, some);
  vstrbq_p_s32(out, outputs(layer, n, product, x, y), some);
}

MLTK_INLINE void all_rows(const mltk_pair* layer, int product, const int8_t* a, const int8_t* b,
                          int8_t* out) {
  const numbers n = {rescaling_of(layer->a_multiplier, layer->a_shift, kSumBits),
                     rescaling_of(layer->b_multiplier, layer->b_shift, kSumBits),
                     rescaling_of(layer->out_multiplier, layer->out_shift, 0), vdupq_n_s32(layer->low),
                     vdupq_n_s32(layer->high)};
  const int plain = layer->a_step == 1 && layer->b_step == 1;
  for (uint32_t row = 0; row < layer->rows; ++row) {
    if (plain)
      one_row(layer, &n, product, 1, a, b, out);
    else
      one_row(layer, &n, product, 0, a, b, out);
    a += layer->a_row_step, b += layer->b_row_step, out += layer->count;
  }
}

void mltk_add_s8(const mltk_pair* layer, const int8_t* a, const int8_t* b, int8_t* out) {
  all_rows(layer, 0, a, b, out);
}

void mltk_mul_s8(const mltk_pair* layer, const int8_t* a, const int8_t* b, int8_t* out) {
  all_rows(layer, 1, a, b, out);
}

void mltk_table_s8(const int8_t* table, uint32_t count, const int8_t* in, int8_t* out) {
  const uint8x16_t middle = vdupq_n_u8(128);
  for (; count >= 16; count -= 16, in += 16, out += 16)
    vstrbq_s8(out, vldrbq_gather_offset_s8(table, veorq_u8(vreinterpretq_u8_s8(vldrbq_s8(in)), middle)));
  if (count == 0) return;
  const mve_pred16_t some = vctp8q(count);
  const uint8x16_t at = veorq_u8(vreinterpretq_u8_s8(vldrbq_z_s8(in, some)), middle);
  vstrbq_p_s8(out, vldrbq_gather_offset_z_s8(table, at, some), some);
}

#endif

/* So that the file is never empty. */
typedef int mltk_pointwise_is_mve;
