/* Pools and means.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_fixed.h"

/* The part of a window that lies inside of the input. */
typedef struct {
  int top, bottom, left, right; /* bottom and right are the first beyond */
} area;

static area window(const mltk_pool* layer, int y, int x) {
  const int top = y * layer->stride_h - layer->pad_top, left = x * layer->stride_w - layer->pad_left;
  const int bottom = top + layer->kernel_h, right = left + layer->kernel_w;
  const area inside = {top < 0 ? 0 : top, bottom > layer->in_h ? layer->in_h : bottom, left < 0 ? 0 : left,
                       right > layer->in_w ? layer->in_w : right};
  return inside;
}

static int8_t mean(const mltk_pool* layer, const int8_t* in, area a, int channel) {
  const int32_t count = (a.bottom - a.top) * (a.right - a.left);
  int32_t sum = 0;
  for (int y = a.top; y < a.bottom; ++y)
    for (int x = a.left; x < a.right; ++x) sum += in[(y * layer->in_w + x) * layer->channels + channel];
  sum = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
  return mltk_clamp(sum, layer->low, layer->high);
}

static int8_t greatest(const mltk_pool* layer, const int8_t* in, area a, int channel) {
  int32_t most = -128;
  for (int y = a.top; y < a.bottom; ++y) {
    for (int x = a.left; x < a.right; ++x) {
      const int32_t value = in[(y * layer->in_w + x) * layer->channels + channel];
      most = value > most ? value : most;
    }
  }
  return mltk_clamp(most, layer->low, layer->high);
}

void mltk_average_pool_s8(const mltk_pool* layer, const int8_t* in, int8_t* out) {
  for (int y = 0; y < layer->out_h; ++y)
    for (int x = 0; x < layer->out_w; ++x)
      for (int c = 0; c < layer->channels; ++c) *out++ = mean(layer, in, window(layer, y, x), c);
}

void mltk_max_pool_s8(const mltk_pool* layer, const int8_t* in, int8_t* out) {
  for (int y = 0; y < layer->out_h; ++y)
    for (int x = 0; x < layer->out_w; ++x)
      for (int c = 0; c < layer->channels; ++c) *out++ = greatest(layer, in, window(layer, y, x), c);
}

void mltk_mean_s8(const mltk_mean* layer, const int8_t* in, int8_t* out) {
  for (int o = 0; o < layer->outer; ++o, in += layer->count * layer->inner) {
    for (int i = 0; i < layer->inner; ++i) {
      int32_t sum = 0;
      for (int n = 0; n < layer->count; ++n) sum += in[n * layer->inner + i];
      sum -= layer->zero_in * layer->count;
      *out++ = mltk_clamp(mltk_rescale(sum, layer->multiplier, layer->shift) + layer->zero_out, -128, 127);
    }
  }
}
