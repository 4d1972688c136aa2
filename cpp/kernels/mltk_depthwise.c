/* Depthwise convolutions, portable.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_fixed.h"

#ifdef MLTK_KERNELS_DSP /* for layers whose weights are not packed */
#include "mltk_dsp.h"
#define mltk_depthwise_s8 mltk_plain_depthwise_s8
#endif

#ifndef MLTK_KERNELS_MVE

enum { kBlock = 8 };

/* The sums of `n` channels from `first` on of output pixel (y, x). */
static void block(const mltk_conv* layer, const int8_t* in, int y, int x, int first, int n, int32_t* sums) {
  const int channels = layer->in_c, outputs = layer->out_c, multiplier = outputs / channels;
  const int8_t* w = layer->weights + first;
  for (int j = 0; j < n; ++j) sums[j] = layer->scale.bias[first + j];
  int row = y * layer->stride_h - layer->pad_top;
  for (int ky = 0; ky < layer->kernel_h; ++ky, row += layer->dilation_h) {
    int column = x * layer->stride_w - layer->pad_left;
    for (int kx = 0; kx < layer->kernel_w; ++kx, column += layer->dilation_w, w += outputs) {
      if (row < 0 || row >= layer->in_h || column < 0 || column >= layer->in_w) {
        for (int j = 0; j < n; ++j) sums[j] += layer->zero_in * w[j];
        continue;
      }
      const int8_t* values = in + (row * layer->in_w + column) * channels;
      if (multiplier == 1)
        for (int j = 0; j < n; ++j) sums[j] += values[first + j] * w[j];
      else
        for (int j = 0; j < n; ++j) sums[j] += values[(first + j) / multiplier] * w[j];
    }
  }
}

void mltk_depthwise_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch) {
  (void)scratch;
  for (int y = 0; y < layer->out_h; ++y) {
    for (int x = 0; x < layer->out_w; ++x) {
      for (int first = 0; first < layer->out_c; first += kBlock) {
        int32_t sums[kBlock];
        const int n = layer->out_c - first < kBlock ? layer->out_c - first : kBlock;
        block(layer, in, y, x, first, n, sums);
        for (int j = 0; j < n; ++j) *out++ = mltk_scaled(&layer->scale, (uint32_t)(first + j), sums[j]);
      }
    }
  }
}

#endif

/* So that the file is never empty. */
typedef int mltk_depthwise_is_portable;
