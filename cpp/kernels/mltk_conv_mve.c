/* Convolutions and dense layers for MVE: sums of 16 products at a time, two pixels by two outputs, then four
   outputs of a pixel scaled and stored together.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_mve.h"

#ifdef MLTK_KERNELS_MVE

/* What four neighbouring outputs share. The last four may be fewer: weights are then read of the last one
   again, and nothing is stored for it twice. */
typedef struct {
  const int8_t* weights[4];
  int32x4_t bias, multiplier, shift;
  mve_pred16_t some;
} quad;

MLTK_INLINE quad outputs_from(const mltk_scale* scale, const int8_t* weights, int first, int left,
                              int count) {
  quad q;
  q.some = vctp32q((uint32_t)left);
  q.weights[0] = weights;
  for (int i = 1; i < 4; ++i) q.weights[i] = q.weights[i - 1] + (i < left ? count : 0);
  q.bias = vldrwq_z_s32(scale->bias + first, q.some);
  q.multiplier = vldrwq_z_s32(scale->multiplier + first, q.some);
  q.shift = vldrbq_z_s32(scale->shift + first, q.some);
  return q;
}

MLTK_INLINE void store(const mltk_scale* scale, const quad* q, const int32_t s[4], int8_t* out) {
  const int32x4_t sums = vaddq_s32(mltk_lanes(s[0], s[1], s[2], s[3]), q->bias);
  vstrbq_p_s32(out, mltk_scaled_lanes(scale, sums, q->multiplier, q->shift), q->some);
}

static void one_pixel(const mltk_scale* scale, const int8_t* weights, int outputs, int count, const int8_t* x,
                      int8_t* out) {
  for (int o = 0; o < outputs; o += 4, weights += 4 * count) {
    const quad q = outputs_from(scale, weights, o, outputs - o, count);
    int32_t s[4];
    mltk_dots_1x4(x, q.weights, count, s);
    store(scale, &q, s, out + o);
  }
}

static void two_pixels(const mltk_scale* scale, const int8_t* weights, int outputs, int count,
                       const int8_t* x0, const int8_t* x1, int8_t* out) {
  for (int o = 0; o < outputs; o += 4, weights += 4 * count) {
    const quad q = outputs_from(scale, weights, o, outputs - o, count);
    int32_t a[4], b[4];
    mltk_dots_2x2(x0, x1, q.weights[0], q.weights[1], count, a);
    mltk_dots_2x2(x0, x1, q.weights[2], q.weights[3], count, b);
    const int32_t s0[4] = {a[0], a[1], b[0], b[1]}, s1[4] = {a[2], a[3], b[2], b[3]};
    store(scale, &q, s0, out + o);
    store(scale, &q, s1, out + outputs + o);
  }
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
