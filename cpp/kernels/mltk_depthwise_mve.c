/* Depthwise convolutions for MVE. The input of eight channels is turned so that all that one output is
   computed from lies side by side: lines[channel][column][kernel row]. One output is then a sum of products
   as in a convolution, and neighbours in a line overlap.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_mve.h"

#ifdef MLTK_KERNELS_MVE

enum { kChannels = 8, kLineBytes = 512 };

/* A layer as lines along the longer side of its output, "across" being the other side. */
typedef struct {
  const mltk_conv* layer;
  int in_along, in_across, out_along, out_across; /* pixels */
  int in_step, in_line, out_step, out_line;       /* bytes from one pixel to the next, along and across */
  int taps_along, taps_across, stride_along, stride_across;
  int dilation_along, dilation_across, before_along, before_across;
  int tap_step, tap_line; /* of the weights */
  int span;               /* pixels along that one output sees */
  int taps;               /* bytes that one output is computed from */
  int tile, line;         /* outputs at a time; bytes that they are computed from */
  int lines; /* all across, where they are few bytes: then nothing is written before all is read */
} plan;

static plan plan_of(const mltk_conv* layer) {
  plan p = {.layer = layer};
  const int in_c = layer->in_c, out_c = layer->out_c;
  if (layer->out_w >= layer->out_h) {
    p.in_along = layer->in_w, p.in_step = in_c, p.in_across = layer->in_h, p.in_line = layer->in_w * in_c;
    p.out_along = layer->out_w, p.out_step = out_c, p.out_across = layer->out_h,
    p.out_line = layer->out_w * out_c;
    p.taps_along = layer->kernel_w, p.tap_step = out_c, p.taps_across = layer->kernel_h;
    p.tap_line = layer->kernel_w * out_c;
    p.stride_along = layer->stride_w, p.dilation_along = layer->dilation_w, p.before_along = layer->pad_left;
    p.stride_across = layer->stride_h, p.dilation_across = layer->dilation_h,
    p.before_across = layer->pad_top;
  } else {
    p.in_along = layer->in_h, p.in_step = layer->in_w * in_c, p.in_across = layer->in_w, p.in_line = in_c;
    p.out_along = layer->out_h, p.out_step = layer->out_w * out_c, p.out_across = layer->out_w,
    p.out_line = out_c;
    p.taps_along = layer->kernel_h, p.tap_step = layer->kernel_w * out_c, p.taps_across = layer->kernel_w;
    p.tap_line = out_c;
    p.stride_along = layer->stride_h, p.dilation_along = layer->dilation_h, p.before_along = layer->pad_top;
    p.stride_across = layer->stride_w, p.dilation_across = layer->dilation_w,
    p.before_across = layer->pad_left;
  }
  p.span = (p.taps_along - 1) * p.dilation_along + 1;
  p.taps = p.span * p.taps_across;
  const int step = p.stride_along * p.taps_across;
  p.tile = p.taps >= kLineBytes ? 1 : 1 + (kLineBytes - p.taps) / step;
  if (p.tile > p.out_along) p.tile = p.out_along;
  p.line = ((p.tile - 1) * step + p.taps + 15) & ~15;
  p.lines = p.tile == p.out_along && p.out_across * p.line <= kLineBytes ? p.out_across : 1;
  return p;
}

/* The offsets of eight lines. */
MLTK_INLINE uint16x8_t offsets(int line) { return vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)line); }

/* Weights of outputs `first` to `first + n` as (output, taps rounded up to 16), 0 between dilated taps. */
static void turn_weights(const plan* p, int first, int n, int8_t* to) {
  const int line = (p->taps + 15) & ~15;
  mltk_fill(to, 0, n * line);
  for (; n > 0; n -= kChannels, first += kChannels, to += kChannels * line) {
    const mve_pred16_t some = vctp16q((uint32_t)n);
    const uint16x8_t at = offsets(line);
    for (int i = 0; i < p->taps_along; ++i) {
      int8_t* column = to + i * p->dilation_along * p->taps_across;
      const int8_t* from = p->layer->weights + first + i * p->tap_step;
      for (int j = 0; j < p->taps_across; ++j, from += p->tap_line)
        vstrbq_scatter_offset_p_s16(column + j, at, vldrbq_z_s16(from, some), some);
    }
  }
}

/* The input of `n` channels for outputs from `start` on of line `across`. */
static void turn_input(const plan* p, const int8_t* in, int across, int start, int columns, int n,
                       int8_t* to) {
  const mve_pred16_t some = vctp16q((uint32_t)n);
  const uint16x8_t at = offsets(p->lines * p->line);
  const int16x8_t zero = vdupq_n_s16(p->layer->zero_in);
  int row = across * p->stride_across - p->before_across;
  for (int j = 0; j < p->taps_across; ++j, row += p->dilation_across) {
    const int8_t* from = in + row * p->in_line + start * p->in_step;
    const int inside = row >= 0 && row < p->in_across;
    int8_t* put = to + j;
    for (int i = start; i < start + columns; ++i, put += p->taps_across, from += p->in_step) {
      const int16x8_t values = inside && i >= 0 && i < p->in_along ? vldrbq_z_s16(from, some) : zero;
      vstrbq_scatter_offset_p_s16(put, at, values, some);
    }
  }
}

/* Four neighbours of one channel, x[i * step + k] * w[k]: `count` products, of which the first 16 weights
   are in `first`, and 0 beyond the count. */
MLTK_INLINE int32x4_t neighbours(const int8_t* x, int step, int8x16_t first, const int8_t* w, int count) {
  int32_t s[4];
  for (int i = 0; i < 4; ++i) s[i] = vmladavq_s8(vldrbq_s8(x + i * step), first);
  for (int k = 16; k < count; k += 16) {
    const int8x16_t more = vldrbq_s8(w + k);
    for (int i = 0; i < 4; ++i) s[i] = vmladavaq_s8(s[i], vldrbq_s8(x + i * step + k), more);
  }
  int32x4_t sums;
  MLTK_SET_EVEN(sums, s[0], s[2]);
  MLTK_SET_ODD(sums, s[1], s[3]);
  return sums;
}

/* `n` outputs of a channel along a line. */
typedef struct {
  const int8_t *x, *w;
  int channel, step, count, n, out_step;
  int8_t* out;
} work;

MLTK_INLINE void outputs_by(mltk_mode mode, const mltk_scale* scale, const work* line, int step, int count) {
  const mltk_range range = mltk_range_of(scale);
  const int32x4_t multiplier = vdupq_n_s32(scale->multiplier[line->channel]);
  const int32x4_t shift = mltk_shift_lanes(mode, vdupq_n_s32(scale->shift[line->channel]));
  const int32_t bias = scale->bias[line->channel];
  const uint32x4_t at = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)line->out_step);
  const int8x16_t first = vldrbq_s8(line->w);
  const int8_t* x = line->x;
  int8_t* out = line->out;
  int n = line->n;
  for (; n >= 4; n -= 4, x += 4 * step, out += 4 * line->out_step) {
    const int32x4_t sums = vaddq_n_s32(neighbours(x, step, first, line->w, count), bias);
    vstrbq_scatter_offset_s32(out, at, mltk_scaled_lanes(mode, range, sums, multiplier, shift));
  }
  if (n > 0) {
    const int32x4_t sums = vaddq_n_s32(neighbours(x, step, first, line->w, count), bias);
    vstrbq_scatter_offset_p_s32(out, at, mltk_scaled_lanes(mode, range, sums, multiplier, shift),
                                vctp32q((uint32_t)n));
  }
}

MLTK_INLINE void outputs_of(mltk_mode mode, const mltk_scale* scale, const work* line) {
  if (line->count > 16)
    outputs_by(mode, scale, line, line->step, line->count);
  else if (line->step == 1)
    outputs_by(mode, scale, line, 1, 16);
  else if (line->step == 3)
    outputs_by(mode, scale, line, 3, 16);
  else
    outputs_by(mode, scale, line, line->step, 16);
}

void mltk_depthwise_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch) {
  const plan p = plan_of(layer);
  const int multiplier = layer->out_c / layer->in_c, padded = (p.taps + 15) & ~15;
  const int most = layer->in_c < kChannels ? layer->in_c : kChannels;
  int8_t *weights = scratch, *lines = weights + most * multiplier * padded;
  for (int c = 0; c < layer->in_c; c += kChannels) {
    const int n = layer->in_c - c < kChannels ? layer->in_c - c : kChannels;
    turn_weights(&p, c * multiplier, n * multiplier, weights);
    for (int across = 0; across < p.out_across; across += p.lines) {
      for (int start = 0; start < p.out_along; start += p.tile) {
        const int tile = p.out_along - start < p.tile ? p.out_along - start : p.tile;
        const int left = start * p.stride_along - p.before_along;
        for (int j = 0; j < p.lines; ++j)
          turn_input(&p, in + c, across + j, left, (tile - 1) * p.stride_along + p.span, n,
                     lines + j * p.line);
        for (int i = 0; i < n * multiplier; ++i) {
          const int o = c * multiplier + i;
          const int8_t* x = lines + i / multiplier * p.lines * p.line;
          for (int j = 0; j < p.lines; ++j) {
            const work line = {x + j * p.line,
                               weights + i * padded,
                               o,
                               p.stride_along * p.taps_across,
                               p.taps,
                               tile,
                               p.out_step,
                               out + (across + j) * p.out_line + start * p.out_step + o};
            MLTK_WITH_MODE(&layer->scale, outputs_of, &line);
          }
        }
      }
    }
  }
}

#endif

/* So that the file is never empty. */
typedef int mltk_depthwise_is_mve;
