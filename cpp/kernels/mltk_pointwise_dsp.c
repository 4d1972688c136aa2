/* Sums of two tensors for the DSP extension.

   Of the two inputs' multipliers the greater is one half: a sum's terms are in units of half the greater
   scale. Its term is a shift; the other takes one product.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_dsp.h"
#include "mltk_fixed.h"

#ifdef MLTK_KERNELS_DSP

/* Fractional bits that the inputs of a sum are given before they are scaled, as in TensorFlow Lite. */
enum { kSumBits = 20, kHalf = 1 << 30 };

typedef struct {
  int32_t first_zero, second_zero; /* of the inputs, with the bits that their values are given */
  int32_t multiplier, half, by;    /* of the second */
  int32_t out_multiplier, out_half, out_by;
} numbers;

/* An output of its two values; `shifted`: the second is shifted to the right. */
static inline int8_t output_of(const numbers* n, int shifted, int32_t first, int32_t second) {
  int32_t term = mltk_high_sum(0, second * (1 << (kSumBits + 1)) - n->second_zero, n->multiplier);
  if (shifted) term = (term + (term >> 31) + n->half) >> n->by;
  const int32_t doubled = first * (1 << kSumBits) - n->first_zero + term * 2;
  return mltk_scaled_twice(doubled, n->out_multiplier, n->out_half, n->out_by);
}

/* Four values are read before four are written, which may lie over them. */
static inline void add(const numbers* n, int shifted, uint32_t count, const int8_t* first,
                       const int8_t* second, int8_t* out) {
  const numbers k = *n;
  for (; count >= 4; count -= 4, first += 4, second += 4, out += 4) {
    const uint32_t x = mltk_word(first), y = mltk_word(second);
    out[0] = output_of(&k, shifted, (int8_t)x, (int8_t)y);
    out[1] = output_of(&k, shifted, (int8_t)(x >> 8), (int8_t)(y >> 8));
    out[2] = output_of(&k, shifted, (int8_t)(x >> 16), (int8_t)(y >> 16));
    out[3] = output_of(&k, shifted, (int8_t)(x >> 24), (int8_t)(y >> 24));
  }
  for (; count > 0; --count) *out++ = output_of(&k, shifted, *first++, *second++);
}

void mltk_add_s8(const mltk_pair* layer, const int8_t* a, const int8_t* b, int8_t* out) {
  const int first_is_b = layer->b_multiplier == kHalf && layer->b_shift == 0;
  const int one_is_half = first_is_b || (layer->a_multiplier == kHalf && layer->a_shift == 0);
  const int shift = first_is_b ? layer->a_shift : layer->b_shift;
  const int right = -layer->out_shift;
  if (!one_is_half || layer->rows != 1 || layer->a_step != 1 || layer->b_step != 1 || layer->b_sign != 1 ||
      shift > 0 || shift < -30 || right < 1 || right > 23) {
    mltk_plain_add_s8(layer, a, b, out);
    return;
  }
  const int32_t first_zero = first_is_b ? layer->b_zero : layer->a_zero;
  const int32_t second_zero = first_is_b ? layer->a_zero : layer->b_zero;
  const numbers n = {first_zero * (1 << kSumBits),
                     second_zero * (1 << (kSumBits + 1)),
                     first_is_b ? layer->a_multiplier : layer->b_multiplier,
                     shift < 0 ? 1 << (-shift - 1) : 0,
                     -shift,
                     layer->out_multiplier,
                     (2 * layer->out_zero + 1) * (1 << (right - 1)),
                     right - 1};
  const int8_t *first = first_is_b ? b : a, *second = first_is_b ? a : b;
  if (shift < 0)
    add(&n, 1, layer->count, first, second, out);
  else
    add(&n, 0, layer->count, first, second, out);
  if (layer->low == -128 && layer->high == 127) return;
  for (uint32_t i = 0; i < layer->count; ++i) out[i] = mltk_clamp(out[i], layer->low, layer->high);
}

#endif

/* So that the file is never empty. */
typedef int mltk_pointwise_is_for_dsp;
