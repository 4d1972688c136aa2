/* Convolutions and dense layers for the DSP extension: three pixels of the input as int16 in scratch memory,
   then all outputs of the three.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_dsp.h"
#include "mltk_fixed.h"
#include "mltk_patch.h"

#ifdef MLTK_KERNELS_DSP

/* What `packed` says of the weights. */
enum { kPlain, kSums, kScaled };

/* The next four values, or the last one to three and zeros. */
static inline uint32_t four_of(const int8_t* in, int left) {
  uint32_t word = 0;
  if (left >= 4) return mltk_word(in);
  memcpy(&word, in, (size_t)left);
  return word;
}

/* `count` values of one of `pixels` pixels: two words of each four values, those of the pixels side by side.
 */
static void spread_one(const int8_t* in, int count, int pixels, uint32_t* x) {
  for (; count > 0; count -= 4, in += 4, x += 2 * pixels) {
    const uint32_t word = four_of(in, count);
    x[0] = mltk_even_bytes(word);
    x[pixels] = mltk_odd_bytes(word);
  }
}

static void spread_three(const int8_t* a, const int8_t* b, const int8_t* c, int count, uint32_t* x) {
  for (; count > 0; count -= 4, a += 4, b += 4, c += 4, x += 6) {
    const uint32_t first = four_of(a, count), second = four_of(b, count), third = four_of(c, count);
    x[0] = mltk_even_bytes(first);
    x[1] = mltk_even_bytes(second);
    x[2] = mltk_even_bytes(third);
    x[3] = mltk_odd_bytes(first);
    x[4] = mltk_odd_bytes(second);
    x[5] = mltk_odd_bytes(third);
  }
}

/* One or three pixels, whose inputs lie in x. The last pair of an odd number of channels has the one before
   the last again. */
static void outputs_of(const mltk_scale* scale, int packed_as, const int8_t* weights, int outputs, int groups,
                       int pixels, const uint32_t* x, int8_t* out) {
  const int32_t* packed = (const void*)weights;
  const int pairs = outputs / 2;
  if (packed_as == kScaled) {
    const mltk_block block = {groups, outputs, 2 * scale->zero + 1};
    void (*const run)(const uint32_t*, const int32_t*, int8_t*, const mltk_block*, int32_t) =
        pixels == 3 ? mltk_three_pixels : mltk_one_pixel;
    run(x, packed, out, &block, pairs);
    if (outputs & 1) run(x, packed + pairs * (2 * groups + 4), out + outputs - 2, &block, 1);
    mltk_bound(scale, out, pixels * outputs);
    return;
  }
  for (int o = 0; o < outputs; o += 2, packed += 2 * groups) {
    const int first = o + 1 < outputs ? o : outputs - 2;
    int32_t sums[6];
    if (pixels == 3)
      mltk_three_sums(x, packed, sums, groups);
    else
      mltk_one_sum(x, packed, sums, groups);
    for (int i = 0; i < 2 * pixels; ++i) {
      const int channel = first + i % 2;
      const int32_t sum = (int32_t)((uint32_t)sums[i] + (uint32_t)scale->bias[channel]);
      out[i / 2 * outputs + channel] = mltk_scaled(scale, (uint32_t)channel, sum);
    }
  }
}

/* Rows of `count` values each, side by side in the input. */
static void all_rows(const mltk_scale* scale, int packed_as, const int8_t* weights, int outputs, int count,
                     int rows, const int8_t* in, int8_t* out, uint32_t* x) {
  for (int left = rows; left > 0;) {
    const int block = left >= 3 ? 3 : 1;
    if (block == 3)
      spread_three(in, in + count, in + 2 * count, count, x);
    else
      spread_one(in, count, 1, x);
    outputs_of(scale, packed_as, weights, outputs, (count + 3) / 4, block, x, out);
    in += block * count;
    out += block * outputs;
    left -= block;
  }
}

/* The patch of an output pixel where it lies in the input, or 0 where it is not in one piece there. */
static const int8_t* patch_in_place(const mltk_conv* layer, const int8_t* in, int y, int x) {
  const int row = y * layer->stride_h - layer->pad_top, column = x * layer->stride_w - layer->pad_left;
  const int rows_follow = layer->kernel_h == 1 || (layer->dilation_h == 1 && layer->kernel_w == layer->in_w);
  const int columns_follow = layer->kernel_w == 1 || layer->dilation_w == 1;
  const int inside = row >= 0 && row + layer->kernel_h <= layer->in_h && column >= 0 &&
                     column + layer->kernel_w <= layer->in_w;
  return rows_follow && columns_follow && inside ? in + (row * layer->in_w + column) * layer->in_c : 0;
}

/* A patch line by line, where lines are of whole words: each from where it lies in the input, or from `rooms`
   where it lies partly or wholly outside. */
static void spread_lines(const mltk_conv* layer, const int8_t* in, int y, int x, int pixels, int8_t* rooms,
                         uint32_t* to) {
  const int channels = layer->in_c, line = layer->kernel_w * channels, words = line / 2 * pixels;
  const int column = x * layer->stride_w - layer->pad_left, beyond = layer->in_w - column;
  const int first = column < 0 ? -column * channels : 0;
  const int end = beyond < layer->kernel_w ? beyond * channels : line;
  const int8_t* const outside = rooms + line;
  int row = y * layer->stride_h - layer->pad_top;
  memset(rooms, layer->zero_in, (size_t)(2 * line));
  for (int ky = 0; ky < layer->kernel_h; ++ky, row += layer->dilation_h, to += words) {
    const int at = (row * layer->in_w + column) * channels;
    const int8_t* from = rooms;
    if (row < 0 || row >= layer->in_h || first >= end)
      from = outside;
    else if (first == 0 && end == line)
      from = in + at;
    else
      for (int k = first; k < end; ++k) rooms[k] = in[at + k];
    spread_one(from, line, pixels, to);
  }
}

/* The values of `block` pixels, the first of which is pixel number `first`. */
static void spread(const mltk_conv* layer, const int8_t* in, int block, int first, int count, uint32_t* to) {
  int8_t* const rooms = (int8_t*)(to + 6 * ((count + 3) / 4));
  const int whole_words = layer->dilation_w == 1 && layer->kernel_w * layer->in_c % 4 == 0;
  const int8_t* patches[3];
  int y = first / layer->out_w, x = first % layer->out_w;
  for (int i = 0; i < block; ++i) {
    patches[i] = patch_in_place(layer, in, y, x);
    if (!patches[i] && whole_words) {
      spread_lines(layer, in, y, x, block, rooms, to + i);
    } else if (!patches[i]) {
      mltk_gather(layer, in, y, x, rooms);
      spread_one(rooms, count, block, to + i);
    }
    if (++x == layer->out_w) x = 0, ++y;
  }
  if (block == 3 && patches[0] && patches[1] && patches[2]) {
    spread_three(patches[0], patches[1], patches[2], count, to);
    return;
  }
  for (int i = 0; i < block; ++i)
    if (patches[i]) spread_one(patches[i], count, block, to + i);
}

void mltk_conv_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch) {
  if (layer->packed == kPlain) {
    mltk_plain_conv_s8(layer, in, out, scratch);
    return;
  }
  const int count = layer->kernel_h * layer->kernel_w * layer->in_c;
  const int pixels = layer->out_h * layer->out_w;
  if (mltk_is_pointwise(layer) && layer->stride_h == 1 && layer->stride_w == 1) {
    all_rows(&layer->scale, layer->packed, layer->weights, layer->out_c, count, pixels, in, out, scratch);
    return;
  }
  for (int done = 0; done < pixels;) {
    const int block = pixels - done >= 3 ? 3 : 1;
    spread(layer, in, block, done, count, scratch);
    outputs_of(&layer->scale, layer->packed, layer->weights, layer->out_c, (count + 3) / 4, block, scratch,
               out);
    out += block * layer->out_c;
    done += block;
  }
}

void mltk_dense_s8(const mltk_dense* layer, const int8_t* in, int8_t* out, void* scratch) {
  if (layer->packed == kPlain)
    mltk_plain_dense_s8(layer, in, out, scratch);
  else
    all_rows(&layer->scale, layer->packed, layer->weights, layer->outputs, layer->inputs, layer->rows, in,
             out, scratch);
}

#endif

/* So that the file is never empty. */
typedef int mltk_conv_is_for_dsp;
