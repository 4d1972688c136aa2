/* Convolutions and dense layers for MVE: sums of 16 products at a time, two pixels by four outputs, then four
   outputs of a pixel scaled and stored together.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_mve.h"

#ifdef MLTK_KERNELS_MVE

typedef struct {
  int32_t a, b, c, d;
} four;

/* Sums of products, 16 at a time in a loop that leaves out by itself what lies beyond the count: (x0 w0, x0
   w1, x1 w0, x1 w1). The accumulators are even registers, as VMLADAVA wants them, and loads stand between
   products, as the core can do both at once. */
MLTK_INLINE four dots_2x2(const int8_t* x0, const int8_t* x1, const int8_t* w0, const int8_t* w1, int count) {
  four s = {0, 0, 0, 0};
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%[x0]], #16\n\t"
      "vldrb.8 q1, [%[w0]], #16\n\t"
      "vmladava.s8 %[a], q0, q1\n\t"
      "vldrb.8 q2, [%[w1]], #16\n\t"
      "vmladava.s8 %[b], q0, q2\n\t"
      "vldrb.8 q0, [%[x1]], #16\n\t"
      "vmladava.s8 %[c], q0, q1\n\t"
      "vmladava.s8 %[d], q0, q2\n\t"
      "letp lr, 1b\n"
      "2:"
      : [x0] "+r"(x0), [x1] "+r"(x1), [w0] "+r"(w0), [w1] "+r"(w1), [a] "+Te"(s.a), [b] "+Te"(s.b),
        [c] "+Te"(s.c), [d] "+Te"(s.d)
      : [count] "r"(count)
      : "q0", "q1", "q2", "lr", "memory");
  return s;
}

/* (x w0, x w1, x w2, x w3). */
MLTK_INLINE four dots_1x4(const int8_t* x, const int8_t* w0, const int8_t* w1, const int8_t* w2,
                          const int8_t* w3, int count) {
  four s = {0, 0, 0, 0};
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%[x]], #16\n\t"
      "vldrb.8 q1, [%[w0]], #16\n\t"
      "vmladava.s8 %[a], q0, q1\n\t"
      "vldrb.8 q1, [%[w1]], #16\n\t"
      "vmladava.s8 %[b], q0, q1\n\t"
      "vldrb.8 q1, [%[w2]], #16\n\t"
      "vmladava.s8 %[c], q0, q1\n\t"
      "vldrb.8 q1, [%[w3]], #16\n\t"
      "vmladava.s8 %[d], q0, q1\n\t"
      "letp lr, 1b\n"
      "2:"
      : [x] "+r"(x), [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [a] "+Te"(s.a),
        [b] "+Te"(s.b), [c] "+Te"(s.c), [d] "+Te"(s.d)
      : [count] "r"(count)
      : "q0", "q1", "lr", "memory");
  return s;
}

/* What two pixels (or, with x1 = 0, one) are computed from, and where their outputs go. */
typedef struct {
  const int8_t *x0, *x1, *weights;
  int outputs, count;
  int8_t* out;
} work;

/* Outputs `o` to `o + left`, four at most. Of fewer than four, the weights of the last are read again, and
   nothing is stored for it twice. */
MLTK_INLINE void some_outputs(mltk_mode mode, const mltk_scale* scale, mltk_range range, const work* all,
                              int o, int left) {
  const int last = left < 4 ? left - 1 : 3, count = all->count;
  const int8_t* w[4];
  for (int i = 0; i < 4; ++i) w[i] = all->weights + (o + (i < last ? i : last)) * count;
  int32x4_t sums0, sums1 = vdupq_n_s32(0);
  if (all->x1) {
    const four even = dots_2x2(all->x0, all->x1, w[0], w[2], count);
    MLTK_SET_EVEN(sums0, even.a, even.b);
    MLTK_SET_EVEN(sums1, even.c, even.d);
    const four odd = dots_2x2(all->x0, all->x1, w[1], w[3], count);
    MLTK_SET_ODD(sums0, odd.a, odd.b);
    MLTK_SET_ODD(sums1, odd.c, odd.d);
  } else {
    const four s = dots_1x4(all->x0, w[0], w[1], w[2], w[3], count);
    MLTK_SET_EVEN(sums0, s.a, s.c);
    MLTK_SET_ODD(sums0, s.b, s.d);
  }
  int8_t* const out = all->out + o;
  if (left >= 4) {
    const int32x4_t bias = vldrwq_s32(scale->bias + o), multiplier = vldrwq_s32(scale->multiplier + o);
    const int32x4_t shift = mltk_shift_lanes(mode, vldrbq_s32(scale->shift + o));
    vstrbq_s32(out, mltk_scaled_lanes(mode, range, vaddq_s32(sums0, bias), multiplier, shift));
    if (all->x1)
      vstrbq_s32(out + all->outputs,
                 mltk_scaled_lanes(mode, range, vaddq_s32(sums1, bias), multiplier, shift));
  } else {
    const mve_pred16_t some = vctp32q((uint32_t)left);
    const int32x4_t bias = vldrwq_z_s32(scale->bias + o, some);
    const int32x4_t multiplier = vldrwq_z_s32(scale->multiplier + o, some);
    const int32x4_t shift = mltk_shift_lanes(mode, vldrbq_z_s32(scale->shift + o, some));
    vstrbq_p_s32(out, mltk_scaled_lanes(mode, range, vaddq_s32(sums0, bias), multiplier, shift), some);
    if (all->x1)
      vstrbq_p_s32(out + all->outputs,
                   mltk_scaled_lanes(mode, range, vaddq_s32(sums1, bias), multiplier, shift), some);
  }
}

MLTK_INLINE void all_outputs(mltk_mode mode, const mltk_scale* scale, const work* all) {
  const mltk_range range = mltk_range_of(scale);
  int o = 0;
  for (; o + 4 <= all->outputs; o += 4) some_outputs(mode, scale, range, all, o, 4);
  if (o < all->outputs) some_outputs(mode, scale, range, all, o, all->outputs - o);
}

static void one_pixel(const mltk_scale* scale, const int8_t* weights, int outputs, int count, const int8_t* x,
                      int8_t* out) {
  const work all = {x, 0, weights, outputs, count, out};
  MLTK_WITH_MODE(scale, all_outputs, &all);
}

static void two_pixels(const mltk_scale* scale, const int8_t* weights, int outputs, int count,
                       const int8_t* x0, const int8_t* x1, int8_t* out) {
  const work all = {x0, x1, weights, outputs, count, out};
  MLTK_WITH_MODE(scale, all_outputs, &all);
}

/* The patch of output pixel (y, x) as (kernel_h, kernel_w, in_c), with the zero point outside of the input:
   where it lies in the input if it is in one piece there, else gathered. */
static const int8_t* patch_of(const mltk_conv* layer, const int8_t* in, int y, int x, int8_t* room) {
  const int channels = layer->in_c, width = layer->in_w, line = layer->kernel_w * channels;
  const int left = x * layer->stride_w - layer->pad_left, top = y * layer->stride_h - layer->pad_top;
  const int lines = layer->kernel_h, step = layer->dilation_w;
  const int whole = left >= 0 && left + layer->kernel_w <= width && (step == 1 || layer->kernel_w == 1);
  if (whole && top >= 0 &&
      (lines == 1 || (layer->kernel_w == width && layer->dilation_h == 1 && top + lines <= layer->in_h)))
    if (top + lines <= layer->in_h) return in + (top * width + left) * channels;
  int8_t* to = room;
  int row = top;
  for (int ky = 0; ky < lines; ++ky, row += layer->dilation_h) {
    const int8_t* from = in + (row * width + left) * channels;
    if (row < 0 || row >= layer->in_h) {
      mltk_fill(to, layer->zero_in, line);
      to += line;
    } else if (whole) {
      mltk_copy(to, from, line);
      to += line;
    } else {
      for (int kx = 0, column = left; kx < layer->kernel_w; ++kx, column += step, to += channels) {
        if (column < 0 || column >= width)
          mltk_fill(to, layer->zero_in, channels);
        else
          mltk_copy(to, in + (row * width + column) * channels, channels);
      }
    }
  }
  return room;
}

void mltk_conv_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch) {
  const int count = layer->kernel_h * layer->kernel_w * layer->in_c, outputs = layer->out_c;
  int8_t *room0 = scratch, *room1 = room0 + ((count + 7) & ~7);
  const int8_t* first = 0; /* of a pair */
  for (int y = 0; y < layer->out_h; ++y) {
    for (int x = 0; x < layer->out_w; ++x) {
      if (!first) {
        first = patch_of(layer, in, y, x, room0);
        continue;
      }
      const int8_t* second = patch_of(layer, in, y, x, room1);
      two_pixels(&layer->scale, layer->weights, outputs, count, first, second, out);
      out += 2 * outputs;
      first = 0;
    }
  }
  if (first) one_pixel(&layer->scale, layer->weights, outputs, count, first, out);
}

void mltk_dense_s8(const mltk_dense* layer, const int8_t* in, int8_t* out, void* scratch) {
  (void)scratch;
  const int count = layer->inputs, outputs = layer->outputs;
  int row = 0;
  for (; row + 2 <= layer->rows; row += 2, in += 2 * count, out += 2 * outputs)
    two_pixels(&layer->scale, layer->weights, outputs, count, in, in + count, out);
  if (row < layer->rows) one_pixel(&layer->scale, layer->weights, outputs, count, in, out);
}

#endif

/* So that the file is never empty. */
typedef int mltk_conv_is_mve;
