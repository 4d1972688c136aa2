/* Softmax in fixed point: exponential by a polynomial and a product of powers, reciprocal by Newton's method,
   with the formats and roundings of TensorFlow Lite's int8 kernel. Qm.n: m bits before the point, n after it.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_fixed.h"

enum { kInputBits = 26, kSumShift = 12 };

static int32_t shift_saturating(int32_t x, int by) {
  const int32_t most = (int32_t)((1u << (31 - by)) - 1u);
  if (x > most) return INT32_MAX;
  if (x < -most - 1) return INT32_MIN;
  return (int32_t)((uint32_t)x << by);
}

/* exp of x in Q5.26, x <= 0; the result in Q0.31. exp(-1/4 .. 0) is a polynomial of degree 4 about -1/8; what
   is left is a sum of powers of two, from 1/4 to 16. */
static int32_t exp_of_negative(int32_t x) {
  static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const int32_t quarter = 1 << (kInputBits - 2);
  const int32_t part = (x & (quarter - 1)) - quarter;
  const int32_t a = shift_saturating(part, 5) + (1 << 28);
  const int32_t a2 = mltk_high_product(a, a), a3 = mltk_high_product(a2, a), a4 = mltk_high_product(a2, a2);
  const int32_t third = mltk_high_product(mltk_round_shift(a4, 2) + a3, 715827883) + a2;
  int32_t y = 1895147668 + mltk_high_product(1895147668, a + mltk_round_shift(third, 1));
  const int32_t rest = part - x;
  for (int i = 0; i < 7; ++i)
    if (rest & (1 << (kInputBits - 2 + i))) y = mltk_high_product(y, powers[i]);
  return x == 0 ? INT32_MAX : y;
}

/* 2^31 / x for x in Q12.19 as a number in Q0.31 and the bits by which it was made greater. */
static int32_t reciprocal(int32_t x, int* over) {
  int zeros = 0;
  while (((uint32_t)x << zeros & 0x80000000u) == 0) ++zeros;
  *over = kSumShift - zeros;
  const int32_t a = (int32_t)(((uint32_t)x << zeros) - 0x80000000u);
  const int64_t sum = (int64_t)a + INT32_MAX;
  const int32_t half = (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
  int32_t v = 1515870810 + mltk_high_product(half, -1010580540); /* 48/17 - 32/17 half, in Q2.29 */
  for (int i = 0; i < 3; ++i)
    v += shift_saturating(mltk_high_product(v, (1 << 29) - mltk_high_product(half, v)), 2);
  return shift_saturating(v, 1);
}

/* exp of a difference to the greatest value. */
static int32_t weight(const mltk_softmax* layer, int difference) {
  return exp_of_negative(
      mltk_high_product((int32_t)((uint32_t)difference << layer->shift), layer->multiplier));
}

void mltk_softmax_s8(const mltk_softmax* layer, const int8_t* in, int8_t* out) {
  for (int row = 0; row < layer->rows; ++row, in += layer->count, out += layer->count) {
    int most = -128;
    for (int i = 0; i < layer->count; ++i) most = in[i] > most ? in[i] : most;
    int32_t sum = 0;
    for (int i = 0; i < layer->count; ++i)
      if (in[i] - most >= layer->least) sum += mltk_round_shift(weight(layer, in[i] - most), kSumShift);
    int over;
    const int32_t inverse = reciprocal(sum, &over);
    const int by = over + 31 - 8; /* beyond 31 from 512 values on that are alike: each rounds to 0 */
    for (int i = 0; i < layer->count; ++i) {
      const int difference = in[i] - most;
      const int32_t product =
          difference >= layer->least ? mltk_high_product(inverse, weight(layer, difference)) : 0;
      const int32_t value = difference >= layer->least && by < 32 ? mltk_round_shift(product, by) : 0;
      out[i] = mltk_clamp(value - 128, -128, 127);
    }
  }
}
