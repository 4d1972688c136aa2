/* Depthwise convolutions for MVE, in two ways. Where the output is one pixel: tap by tap, eight
   channels at a time. Else the input of eight channels is turned so that all that one output is computed from
   lies side by side: lines[channel][column][kernel row]. One output is then a sum of products as in a
   convolution, and neighbours in a line overlap.

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

/* `count` times `n` (at most 8) bytes, of which each goes to another line: those of the first time to the
   beginning of lines, the next ones `to_step` after it. */
MLTK_INLINE void turn(const int8_t* from, int from_step, int8_t* to, int to_step, int line, int count,
                      int n) {
  const uint16x8_t at = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)line);
  __asm__ volatile(
      "vctp.16 %[n]\n\t"
      "wls lr, %[count], 2f\n"
      "1:\n\t"
      "vpstt\n\t"
      "vldrbt.s16 q0, [%[from]]\n\t"
      "vstrbt.16 q0, [%[to], %q[at]]\n\t"
      "add %[from], %[from], %[from_step]\n\t"
      "add %[to], %[to], %[to_step]\n\t"
      "le lr, 1b\n"
      "2:"
      : [from] "+l"(from), [to] "+r"(to)
      : [from_step] "r"(from_step), [to_step] "r"(to_step), [at] "w"(at), [count] "r"(count), [n] "r"(n)
      : "q0", "p0", "lr", "memory");
}

/* Weights of outputs `first` to `first + n` as (output, taps rounded up to 16), 0 between dilated taps. */
static void turn_weights(const plan* p, int first, int n, int8_t* to) {
  const int line = (p->taps + 15) & ~15;
  mltk_fill(to, 0, n * line);
  for (; n > 0; n -= kChannels, first += kChannels, to += kChannels * line)
    for (int j = 0; j < p->taps_across; ++j)
      turn(p->layer->weights + first + j * p->tap_line, p->tap_step, to + j,
           p->dilation_along * p->taps_across, line, p->taps_along, n < kChannels ? n : kChannels);
}

MLTK_INLINE int within(int value, int low, int high) {
  return value < low ? low : value > high ? high : value;
}

/* The input of `n` channels for outputs of line `across`: `columns` from `start` on. */
static void turn_input(const plan* p, const int8_t* in, int across, int start, int columns, int n,
                       int8_t* to) {
  const int line = p->lines * p->line, step = p->taps_across;
  int8_t outside[kChannels];
  mltk_fill(outside, p->layer->zero_in, kChannels);
  int row = across * p->stride_across - p->before_across;
  for (int j = 0; j < p->taps_across; ++j, row += p->dilation_across) {
    const int inside = row >= 0 && row < p->in_across;
    /* Before the input, in it, after it. */
    const int begin = inside ? within(-start, 0, columns) : columns;
    const int end = inside ? within(p->in_along - start, begin, columns) : columns;
    turn(outside, 0, to + j, step, line, begin, n);
    turn(in + row * p->in_line + (start + begin) * p->in_step, p->in_step, to + j + begin * step, step, line,
         end - begin, n);
    turn(outside, 0, to + j + end * step, step, line, columns - end, n);
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

/* Lines of turned input, and what becomes of them. */
typedef struct {
  const plan* p;
  const int8_t *lines, *weights;
  int first, channels, multiplier; /* channels of the output from `first` on; of the input; between them */
  int tile;                        /* outputs along */
  int8_t* out;
} block;

/* `step` bytes lie between neighbours, and `count` are multiplied. */
MLTK_INLINE void lines_by(mltk_mode mode, const mltk_scale* scale, const block* all, int step, int count) {
  const plan* p = all->p;
  const mltk_range range = mltk_range_of(scale);
  const int padded = (p->taps + 15) & ~15, out_step = p->out_step, outputs = all->channels * all->multiplier;
  const uint32x4_t at = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)out_step);
  const int8_t* lines = all->lines;
  for (int i = 0, again = 0; i < outputs; ++i) {
    const int8_t* const w = all->weights + i * padded;
    const int8x16_t first = vldrbq_s8(w);
    const int32x4_t multiplier = vdupq_n_s32(scale->multiplier[all->first + i]);
    const int32x4_t shift = mltk_shift_lanes(mode, vdupq_n_s32(scale->shift[all->first + i]));
    const int32_t bias = scale->bias[all->first + i];
    for (int j = 0; j < p->lines; ++j) {
      const int8_t* x = lines + j * p->line;
      int8_t* out = all->out + i + j * p->out_line;
      int n = all->tile;
      for (; n >= 4; n -= 4, x += 4 * step, out += 4 * out_step) {
        const int32x4_t sums = vaddq_n_s32(neighbours(x, step, first, w, count), bias);
        vstrbq_scatter_offset_s32(out, at, mltk_scaled_lanes(mode, range, sums, multiplier, shift));
      }
      if (n > 0) {
        const int32x4_t sums = vaddq_n_s32(neighbours(x, step, first, w, count), bias);
        vstrbq_scatter_offset_p_s32(out, at, mltk_scaled_lanes(mode, range, sums, multiplier, shift),
                                    vctp32q((uint32_t)n));
      }
    }
    if (++again == all->multiplier) again = 0, lines += p->lines * p->line;
  }
}

/* Kernels of one row and of three, both with a stride of 1, are there once more with the step as a constant.
 */
MLTK_INLINE void lines_of(mltk_mode mode, const mltk_scale* scale, const block* all) {
  const int step = all->p->stride_along * all->p->taps_across, count = all->p->taps;
  if (count > 16)
    lines_by(mode, scale, all, step, count);
  else if (mode != kMltkWide && step == 1)
    lines_by(mode, scale, all, 1, 16);
  else if (mode != kMltkWide && step == 3)
    lines_by(mode, scale, all, 3, 16);
  else
    lines_by(mode, scale, all, step, 16);
}

static __attribute__((noinline)) void compute(const mltk_scale* scale, const block* all) {
  MLTK_WITH_MODE(scale, lines_of, all);
}

/* Where the taps of one pixel begin. */
typedef struct {
  const mltk_conv* layer;
  const int8_t* in;
  int row, column;
} taps;

/* The sums of channels `c` to `c + 8`, or to `c + n` if that is fewer: the even ones and the odd ones. */
MLTK_INLINE int32x4x2_t sums_of_channels(const taps* t, int c, int whole, mve_pred16_t some) {
  const mltk_conv* layer = t->layer;
  const int channels = layer->in_c;
  const int8_t* w = layer->weights + c;
  int32x4x2_t s = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
  int row = t->row;
  for (int ky = 0; ky < layer->kernel_h; ++ky, row += layer->dilation_h) {
    const int8_t* x = t->in + (row * layer->in_w + t->column) * channels + c;
    int column = t->column;
    for (int kx = 0; kx < layer->kernel_w; ++kx, column += layer->dilation_w, w += channels) {
      int16x8_t values = vdupq_n_s16(layer->zero_in);
      if (row >= 0 && row < layer->in_h && column >= 0 && column < layer->in_w)
        values = whole ? vldrbq_s16(x) : vldrbq_z_s16(x, some);
      const int16x8_t weights = whole ? vldrbq_s16(w) : vldrbq_z_s16(w, some);
      s.val[0] = vaddq_s32(s.val[0], vmullbq_int_s16(values, weights));
      s.val[1] = vaddq_s32(s.val[1], vmulltq_int_s16(values, weights));
      x += layer->dilation_w * channels;
    }
  }
  return s;
}

/* Every second channel from `c` on. */
MLTK_INLINE void every_second(mltk_mode mode, const mltk_scale* scale, mltk_range range, int32x4_t sums,
                              int c, mve_pred16_t some, int8_t* out) {
  const uint32x4_t at = vidupq_n_u32(0, 2);
  const int32x4_t bias = vldrwq_gather_shifted_offset_z_s32(scale->bias + c, at, some);
  const int32x4_t multiplier = vldrwq_gather_shifted_offset_z_s32(scale->multiplier + c, at, some);
  const int32x4_t shift = mltk_shift_lanes(mode, vldrbq_gather_offset_z_s32(scale->shift + c, at, some));
  const int32x4_t value = mltk_scaled_lanes(mode, range, vaddq_s32(sums, bias), multiplier, shift);
  vstrbq_scatter_offset_p_s32(out, at, value, some);
}

MLTK_INLINE void one_pixel(mltk_mode mode, const mltk_scale* scale, const taps* t, int8_t* out) {
  const mltk_range range = mltk_range_of(scale);
  const int channels = t->layer->out_c;
  for (int c = 0; c < channels; c += kChannels) {
    const int n = channels - c;
    const int32x4x2_t s =
        n >= kChannels ? sums_of_channels(t, c, 1, 0) : sums_of_channels(t, c, 0, vctp16q((uint32_t)n));
    every_second(mode, scale, range, s.val[0], c, vctp32q((uint32_t)(n + 1) / 2), out + c);
    every_second(mode, scale, range, s.val[1], c + 1, vctp32q((uint32_t)n / 2), out + c + 1);
  }
}

void mltk_depthwise_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch) {
  const plan p = plan_of(layer);
  if (layer->in_c == layer->out_c && layer->out_h == 1 && layer->out_w == 1) {
    const taps t = {layer, in, -layer->pad_top, -layer->pad_left};
    MLTK_WITH_MODE(&layer->scale, one_pixel, &t, out);
    return;
  }
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
        int8_t* const to = out + across * p.out_line + start * p.out_step + c * multiplier;
        const block all = {&p, lines, weights, c * multiplier, n, multiplier, tile, to};
        compute(&layer->scale, &all);
      }
    }
  }
}

#endif

/* So that the file is never empty. */
typedef int mltk_depthwise_is_mve;
