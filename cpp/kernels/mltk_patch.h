/* What one pixel of a convolution's output is computed from.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#ifndef MLTK_PATCH_H_
#define MLTK_PATCH_H_

#include <stdint.h>
#include <string.h>

#include "mltk_kernels.h"

/* Every pixel of the output reads one of the input. */
static inline int mltk_is_pointwise(const mltk_conv* layer) {
  return layer->kernel_h == 1 && layer->kernel_w == 1 && layer->pad_top == 0 && layer->pad_left == 0;
}

/* The patch of output pixel (y, x) as (kernel_h, kernel_w, in_c), with the zero point outside of the input.
 */
static inline void mltk_gather(const mltk_conv* layer, const int8_t* in, int y, int x, int8_t* patch) {
  const int channels = layer->in_c, width = layer->in_w, kernel_w = layer->kernel_w;
  const int left = x * layer->stride_w - layer->pad_left;
  const int whole = layer->dilation_w == 1 && left >= 0 && left + kernel_w <= width;
  int row = y * layer->stride_h - layer->pad_top;
  for (int ky = 0; ky < layer->kernel_h; ++ky, row += layer->dilation_h) {
    if (row < 0 || row >= layer->in_h) {
      memset(patch, layer->zero_in, (size_t)(kernel_w * channels));
      patch += kernel_w * channels;
    } else if (whole) {
      memcpy(patch, in + (row * width + left) * channels, (size_t)(kernel_w * channels));
      patch += kernel_w * channels;
    } else {
      for (int kx = 0, column = left; kx < kernel_w; ++kx, column += layer->dilation_w, patch += channels) {
        if (column < 0 || column >= width)
          memset(patch, layer->zero_in, (size_t)channels);
        else
          memcpy(patch, in + (row * width + column) * channels, (size_t)channels);
      }
    }
  }
}

#endif /* MLTK_PATCH_H_ */
