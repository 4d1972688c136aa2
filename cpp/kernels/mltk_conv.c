/* Convolutions and dense layers, portable.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_fixed.h"
#include "mltk_patch.h"

#ifdef MLTK_KERNELS_DSP /* for layers whose weights are not packed */
#include "mltk_dsp.h"
#define mltk_conv_s8 mltk_plain_conv_s8
#define mltk_dense_s8 mltk_plain_dense_s8
#endif

#ifndef MLTK_KERNELS_MVE

/* All outputs of one pixel: (outputs, count) by (count). Four at a time read each value of the input once. */
static void pixel(const mltk_scale* scale, const int8_t* weights, int outputs, int count, const int8_t* in,
                  int8_t* out) {
  int o = 0;
  for (; o + 4 <= outputs; o += 4) {
    const int8_t *w0 = weights + o * count, *w1 = w0 + count, *w2 = w1 + count, *w3 = w2 + count;
    int32_t s0 = scale->bias[o], s1 = scale->bias[o + 1], s2 = scale->bias[o + 2], s3 = scale->bias[o + 3];
    for (int i = 0; i < count; ++i) {
      const int32_t value = in[i];
      s0 += value * w0[i];
      s1 += value * w1[i];
      s2 += value * w2[i];
      s3 += value * w3[i];
    }
    out[o] = mltk_scaled(scale, (uint32_t)o, s0);
    out[o + 1] = mltk_scaled(scale, (uint32_t)o + 1, s1);
    out[o + 2] = mltk_scaled(scale, (uint32_t)o + 2, s2);
    out[o + 3] = mltk_scaled(scale, (uint32_t)o + 3, s3);
  }
  for (; o < outputs; ++o) {
    const int8_t* w = weights + o * count;
    int32_t sum = scale->bias[o];
    for (int i = 0; i < count; ++i) sum += in[i] * w[i];
    out[o] = mltk_scaled(scale, (uint32_t)o, sum);
  }
}

void mltk_conv_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch) {
  const int count = layer->kernel_h * layer->kernel_w * layer->in_c;
  const int pointwise = mltk_is_pointwise(layer);
  for (int y = 0; y < layer->out_h; ++y) {
    for (int x = 0; x < layer->out_w; ++x, out += layer->out_c) {
      const int8_t* patch = scratch;
      if (pointwise)
        patch = in + (y * layer->stride_h * layer->in_w + x * layer->stride_w) * layer->in_c;
      else
        mltk_gather(layer, in, y, x, scratch);
      pixel(&layer->scale, layer->weights, layer->out_c, count, patch, out);
    }
  }
}

void mltk_dense_s8(const mltk_dense* layer, const int8_t* in, int8_t* out, void* scratch) {
  (void)scratch;
  for (int row = 0; row < layer->rows; ++row, in += layer->inputs, out += layer->outputs)
    pixel(&layer->scale, layer->weights, layer->outputs, layer->inputs, in, out);
}

#endif

/* So that the file is never empty. */
typedef int mltk_conv_is_portable;
