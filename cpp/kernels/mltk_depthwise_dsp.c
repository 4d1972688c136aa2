/* Depthwise convolutions for the DSP extension. Four channels at a time are turned: each becomes a plane of
   its own of int16 in scratch memory, with its padding, in lines along the side that `packed` names. Two
   neighbours lie in a word, so that one instruction multiplies two taps. All of the plane is read before an
   output is written, which therefore may lie exactly over the input.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_dsp.h"
#include "mltk_fixed.h"

#ifdef MLTK_KERNELS_DSP

enum { kPlain, kAlongRows, kAlongColumns };
enum { kGroup = 4, kOutputs = 4, kMostWords = 3072 /* of planes, as mltk_like/codegen/packing.py has it */ };

/* One side of a layer: the size of input, output and kernel, and bytes from one pixel to the next. */
typedef struct {
  int in, out, kernel, stride, dilation, pad, in_step, out_step;
} side;

/* A plane: lines of so many words, and the words of a step of taps (mltk_line_dsp.c). */
typedef struct {
  side along, across;
  int lines, line_words, chunks, steps, step_words, channels;
  uint32_t zeros; /* the input's zero point in both halves */
} plane;

static plane plane_of(const mltk_conv* layer) {
  const side rows = {
      layer->in_h,       layer->out_h,   layer->kernel_h,           layer->stride_h,
      layer->dilation_h, layer->pad_top, layer->in_w * layer->in_c, layer->out_w * layer->out_c};
  const side columns = {layer->in_w,       layer->out_w,    layer->kernel_w, layer->stride_w,
                        layer->dilation_w, layer->pad_left, layer->in_c,     layer->out_c};
  plane p;
  p.along = layer->packed == kAlongRows ? columns : rows;
  p.across = layer->packed == kAlongRows ? rows : columns;
  const int ones = p.along.stride == 1;
  /* Words of a line of taps; by ones, they begin in either half of the first. */
  const int words = ones ? p.along.kernel / 2 + 1 : (p.along.kernel + 1) / 2;
  const int fours = (p.along.out + kOutputs - 1) / kOutputs;
  p.chunks = (words + 1) / 2;
  p.steps = p.chunks * p.across.kernel;
  p.step_words = ones ? 5 : 3;
  p.line_words = 2 * (fours - 1) * p.along.stride + 2 * p.chunks + (ones ? 1 : 3);
  p.lines = (p.across.out - 1) * p.across.stride + (p.across.kernel - 1) * p.across.dilation + 1;
  p.channels = 4 * p.lines * p.line_words <= kMostWords ? 4 : 2;
  p.zeros = (uint32_t)(uint16_t)layer->zero_in * 0x10001u;
  return p;
}

#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t channels_at(const int8_t* in, int channels) {
  uint32_t word = 0;
  uint16_t half;
  if (channels == 4) return mltk_word(in);
  if (channels == 2) {
    memcpy(&half, in, sizeof half);
    return half;
  }
  memcpy(&word, in, (size_t)channels);
  return word;
}

/* Two pixels become a word of each of `planes` planes. */
INLINE void put(uint32_t even0, uint32_t odd0, uint32_t even1, uint32_t odd1, int planes, int size,
                uint32_t* to) {
  to[0] = mltk_lower(even0, even1);
  to[size] = mltk_lower(odd0, odd1);
  if (planes == 2) return;
  to[2 * size] = mltk_upper(even0, even1);
  to[3 * size] = mltk_upper(odd0, odd1);
}

/* One line of the input, from `to` on, where `pad` values of padding come first. */
INLINE void turn_line(const plane* p, const int8_t* in, int planes, int channels, int size, uint32_t* to) {
  const int room = 2 * p->line_words - p->along.pad, step = p->along.in_step;
  const uint32_t zeros = p->zeros;
  int left = p->along.in < room ? p->along.in : room;
  to += p->along.pad / 2;
  if (p->along.pad % 2 && left > 0) {
    const uint32_t word = channels_at(in, channels);
    put(zeros, zeros, mltk_even_bytes(word), mltk_odd_bytes(word), planes, size, to++);
    in += step;
    --left;
  }
  for (; left >= 2; left -= 2, in += 2 * step) {
    const uint32_t first = channels_at(in, channels), second = channels_at(in + step, channels);
    put(mltk_even_bytes(first), mltk_odd_bytes(first), mltk_even_bytes(second), mltk_odd_bytes(second),
        planes, size, to++);
  }
  if (left > 0) {
    const uint32_t word = channels_at(in, channels);
    put(mltk_even_bytes(word), mltk_odd_bytes(word), zeros, zeros, planes, size, to);
  }
}

INLINE void turn_lines(const plane* p, const int8_t* in, int planes, int channels, uint32_t* to) {
  const int size = p->lines * p->line_words;
  for (int line = 0; line < p->lines; ++line, to += p->line_words) {
    const int row = line - p->across.pad;
    if (row < 0 || row >= p->across.in) continue;
    turn_line(p, in + row * p->across.in_step, planes, channels, size, to);
  }
}

static void turn(const plane* p, const int8_t* in, int channels, uint32_t* planes) {
  if (channels == 4)
    turn_lines(p, in, 4, 4, planes);
  else if (p->channels == 2 && channels == 2)
    turn_lines(p, in, 2, 2, planes);
  else
    turn_lines(p, in, p->channels, channels, planes);
}

/* What all channels share of the taps: how far it is from step to step. */
static void measure(const plane* p, int32_t* taps) {
  int32_t* step = taps + 1;
  for (int line = 0; line < p->across.kernel; ++line) {
    for (int i = 0; i < p->chunks; ++i, step += p->step_words)
      *step = i + 1 < p->chunks ? 8 : 4 * p->across.dilation * p->line_words - 8 * (p->chunks - 1);
  }
}

/* The taps of one channel, twice as great as they are, and what makes outputs of sums. */
static void fill_taps(const plane* p, const mltk_scale* scale, int channel, const uint32_t* packed,
                      int32_t* taps) {
  const int ones = p->step_words == 5;
  *taps++ = (int32_t)((uint32_t)scale->bias[channel] << 1);
  for (int line = 0; line < p->across.kernel; ++line) {
    uint32_t before = 0;
    for (int i = 0; i < p->chunks; ++i, taps += p->step_words) {
      const uint32_t word = *packed++;
      const uint32_t first = mltk_twice(mltk_even_bytes(word)), second = mltk_twice(mltk_odd_bytes(word));
      taps[1] = (int32_t)first;
      taps[2] = (int32_t)(ones ? before >> 16 | first << 16 : second);
      if (!ones) continue;
      taps[3] = (int32_t)second;
      taps[4] = (int32_t)(first >> 16 | second << 16);
      before = second;
    }
  }
  const int by = scale->shift[channel];
  taps[0] = scale->multiplier[channel];
  taps[1] = (2 * scale->zero + 1) * (1 << by);
  taps[2] = by;
}

/* Whether the layer has one output pixel, of all channels by four, and no padding: as in a net that keeps
   rows. Then nothing is gained by turning channels. */
static int has_one_pixel(const mltk_conv* layer) {
  return layer->out_h == 1 && layer->out_w == 1 && layer->pad_top == 0 && layer->pad_left == 0 &&
         (layer->kernel_h - 1) * layer->dilation_h < layer->in_h &&
         (layer->kernel_w - 1) * layer->dilation_w < layer->in_w && layer->in_c == layer->out_c &&
         layer->out_c % kGroup == 0;
}

/* Four channels at a time, tap by tap as they lie in memory. */
static void one_pixel(const mltk_conv* layer, const int8_t* in, int8_t* out) {
  const int channels = layer->in_c;
  const int column = layer->dilation_w * channels;
  const int row = layer->dilation_h * layer->in_w * channels - layer->kernel_w * column;
  for (int first = 0; first < channels; first += kGroup) {
    const int8_t *x = in + first, *w = layer->weights + first;
    const int32_t* bias = layer->scale.bias + first;
    int32_t sum0 = bias[0], sum1 = bias[1], sum2 = bias[2], sum3 = bias[3];
    for (int ky = 0; ky < layer->kernel_h; ++ky, x += row) {
      for (int kx = layer->kernel_w; kx > 0; --kx, x += column, w += channels) {
        const uint32_t values = mltk_word(x), taps = mltk_word(w);
        const uint32_t even = mltk_even_bytes(values), even_taps = mltk_even_bytes(taps);
        const uint32_t odd = mltk_odd_bytes(values), odd_taps = mltk_odd_bytes(taps);
        sum0 = mltk_lower_product(even, even_taps, sum0);
        sum1 = mltk_lower_product(odd, odd_taps, sum1);
        sum2 = mltk_upper_product(even, even_taps, sum2);
        sum3 = mltk_upper_product(odd, odd_taps, sum3);
      }
    }
    *out++ = mltk_scaled(&layer->scale, (uint32_t)first, sum0);
    *out++ = mltk_scaled(&layer->scale, (uint32_t)first + 1, sum1);
    *out++ = mltk_scaled(&layer->scale, (uint32_t)first + 2, sum2);
    *out++ = mltk_scaled(&layer->scale, (uint32_t)first + 3, sum3);
  }
}

void mltk_depthwise_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch) {
  if (layer->packed == kPlain && has_one_pixel(layer)) {
    one_pixel(layer, in, out);
    return;
  }
  if (layer->packed == kPlain) {
    mltk_plain_depthwise_s8(layer, in, out, scratch);
    return;
  }
  const plane p = plane_of(layer);
  const mltk_line line = {p.steps, p.along.out, p.along.out_step};
  const int size = p.lines * p.line_words;
  int32_t* const taps = scratch;
  uint32_t* const planes = (uint32_t*)scratch + 4 + p.steps * p.step_words;
  const uint32_t* packed = (const void*)layer->weights;
  for (int i = 0; i < p.channels * size; ++i) planes[i] = p.zeros;
  measure(&p, taps);
  for (int first = 0; first < layer->out_c; first += p.channels) {
    const int channels = layer->out_c - first < p.channels ? layer->out_c - first : p.channels;
    turn(&p, in + first, channels, planes);
    for (int i = 0; i < channels; ++i, packed += p.steps) {
      const int channel = first + i;
      fill_taps(&p, &layer->scale, channel, packed, taps);
      for (int y = 0; y < p.across.out; ++y) {
        const uint32_t* x = planes + i * size + y * p.across.stride * p.line_words;
        int8_t* to = out + channel + y * p.across.out_step;
        if (p.along.stride == 1)
          mltk_line_by_ones(x, taps, to, &line);
        else
          mltk_line_by_twos(x, taps, to, &line);
      }
    }
  }
  mltk_bound(&layer->scale, out, layer->out_h * layer->out_w * layer->out_c);
}

#endif

/* So that the file is never empty. */
typedef int mltk_depthwise_is_for_dsp;
