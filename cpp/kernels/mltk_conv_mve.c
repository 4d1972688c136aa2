/* Convolutions and dense layers for MVE: sums of products, 16 at a time, of two pixels by some outputs,
   then outputs from sums, four at a time.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_mve.h"
#include "mltk_patch.h"

#ifdef MLTK_KERNELS_MVE

typedef struct {
  int32_t a, b, c, d;
} four;

enum { kOutputs = 128 }; /* at a time, so that their sums are few bytes of the stack */

/* Sums of products, 16 at a time in a loop that leaves out by itself what lies beyond the count, of two
   pixels by two outputs, then by the next two: `pairs` times. Sums of the second pixel go kOutputs after
   those of the first. The accumulators are even registers, as VMLADAVA wants them, and loads stand between
   products, as the core can do both at once. */
MLTK_INLINE void sums_of_pairs(const int8_t* x0, const int8_t* x1, const int8_t* w0, const int8_t* w1,
                               int count, int pairs, int32_t* s) {
  const int gone = (count + 15) & ~15; /* by which the pointers move */
  int32_t a, b, c, d;
  __asm__ volatile(
      "3:\n\t"
      "mov %[a], #0\n\t"
      "mov %[b], #0\n\t"
      "mov %[c], #0\n\t"
      "mov %[d], #0\n\t"
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
      "2:\n\t"
      "strd %[c], %[d], [%[s], %[second]]\n\t"
      "strd %[a], %[b], [%[s]], #8\n\t"
      "sub %[x0], %[x0], %[gone]\n\t"
      "sub %[x1], %[x1], %[gone]\n\t"
      "sub %[w1], %[w1], %[gone]\n\t"
      "add %[w0], %[w1], %[count]\n\t"
      "add %[w1], %[w0], %[count]\n\t"
      "subs %[pairs], %[pairs], #1\n\t"
      "bgt 3b\n"
      : [x0] "+r"(x0), [x1] "+r"(x1), [w0] "+r"(w0), [w1] "+r"(w1), [s] "+r"(s), [pairs] "+r"(pairs),
        [a] "=&Te"(a), [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d)
      : [count] "r"(count), [gone] "r"(gone), [second] "i"(kOutputs * sizeof(int32_t))
      : "q0", "q1", "q2", "lr", "cc", "memory");
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

/* Sums of `n` outputs of two pixels. */
static __attribute__((noinline)) void sums_of_two(const int8_t* x0, const int8_t* x1, const int8_t* w,
                                                  int count, int n, int32_t* s) {
  if (n > 1) sums_of_pairs(x0, x1, w, w + count, count, n / 2, s);
  w += (n - 1) * count;
  if (n % 2) sums_of_pairs(x0, x1, w, w, count, 1, s + n - 1);
}

/* The same where each pixel is 16 or 32 values, which stay in registers. */
MLTK_INLINE void sums_of_short(const int8_t* x0, const int8_t* x1, const int8_t* w, int halves, int n,
                               int32_t* s) {
  const int more = 16 * (halves - 1);
  const int8x16_t a = vldrbq_s8(x0), b = vldrbq_s8(x1), c = vldrbq_s8(x0 + more), d = vldrbq_s8(x1 + more);
  for (; n > 0; --n, w += 16 * halves, ++s) {
    const int8x16_t w0 = vldrbq_s8(w);
    int32_t first = vmladavq_s8(a, w0), second = vmladavq_s8(b, w0);
    if (halves == 2) {
      const int8x16_t w1 = vldrbq_s8(w + 16);
      first = vmladavaq_s8(first, c, w1);
      second = vmladavaq_s8(second, d, w1);
    }
    s[0] = first, s[kOutputs] = second;
  }
}

/* Sums of `n` outputs of one pixel, and of up to three more: the last one again. */
static __attribute__((noinline)) void sums_of_one(const int8_t* x, const int8_t* w, int count, int n,
                                                  int32_t* s) {
  for (; n > 0; n -= 4, w += 4 * count, s += 4) {
    const int8_t* const w1 = n > 1 ? w + count : w;
    const int8_t* const w2 = n > 2 ? w1 + count : w1;
    const four sums = dots_1x4(x, w, w1, w2, n > 3 ? w2 + count : w2, count);
    s[0] = sums.a, s[1] = sums.b, s[2] = sums.c, s[3] = sums.d;
  }
}

/* Sums of outputs from `first` on, of one pixel or of two, and where the outputs go. */
typedef struct {
  const int32_t* s;
  int first, n;
  int8_t *out0, *out1;
} sums;

MLTK_INLINE void scale_by(mltk_mode mode, const mltk_scale* scale, const sums* all, int two) {
  const mltk_range range = mltk_range_of(scale);
  const int32_t *s = all->s, *bias = scale->bias + all->first, *multiplier = scale->multiplier + all->first;
  const int8_t* right = scale->shift + all->first;
  int8_t *out0 = all->out0, *out1 = all->out1;
  int n = all->n;
  for (; n >= 4; n -= 4, s += 4, bias += 4, multiplier += 4, right += 4, out0 += 4, out1 += 4) {
    const int32x4_t b = vldrwq_s32(bias), m = vldrwq_s32(multiplier);
    const int32x4_t r = mltk_shift_lanes(mode, vldrbq_s32(right));
    vstrbq_s32(out0, mltk_scaled_lanes(mode, range, vaddq_s32(vldrwq_s32(s), b), m, r));
    if (two) vstrbq_s32(out1, mltk_scaled_lanes(mode, range, vaddq_s32(vldrwq_s32(s + kOutputs), b), m, r));
  }
  if (n > 0) {
    const mve_pred16_t some = vctp32q((uint32_t)n);
    const int32x4_t b = vldrwq_z_s32(bias, some), m = vldrwq_z_s32(multiplier, some);
    const int32x4_t r = mltk_shift_lanes(mode, vldrbq_z_s32(right, some));
    vstrbq_p_s32(out0, mltk_scaled_lanes(mode, range, vaddq_s32(vldrwq_s32(s), b), m, r), some);
    if (two)
      vstrbq_p_s32(out1, mltk_scaled_lanes(mode, range, vaddq_s32(vldrwq_s32(s + kOutputs), b), m, r), some);
  }
}

static void scale_one(const mltk_scale* scale, const sums* all) { MLTK_WITH_MODE(scale, scale_by, all, 0); }

static void scale_two(const mltk_scale* scale, const sums* all) { MLTK_WITH_MODE(scale, scale_by, all, 1); }

static void one_pixel(const mltk_scale* scale, const int8_t* weights, int outputs, int count, const int8_t* x,
                      int8_t* out) {
  int32_t s[kOutputs];
  for (int o = 0; o < outputs; o += kOutputs) {
    const int n = outputs - o < kOutputs ? outputs - o : kOutputs;
    const sums all = {s, o, n, out + o, 0};
    sums_of_one(x, weights + o * count, count, n, s);
    scale_one(scale, &all);
  }
}

static void two_pixels(const mltk_scale* scale, const int8_t* weights, int outputs, int count,
                       const int8_t* x0, const int8_t* x1, int8_t* out) {
  int32_t s[2 * kOutputs];
  for (int o = 0; o < outputs; o += kOutputs) {
    const int n = outputs - o < kOutputs ? outputs - o : kOutputs;
    const sums all = {s, o, n, out + o, out + outputs + o};
    const int8_t* const w = weights + o * count;
    if (count == 32)
      sums_of_short(x0, x1, w, 2, n, s);
    else if (count == 16)
      sums_of_short(x0, x1, w, 1, n, s);
    else
      sums_of_two(x0, x1, w, count, n, s);
    scale_two(scale, &all);
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
  const int pointwise = mltk_is_pointwise(layer), step = layer->stride_w * layer->in_c;
  int8_t *room0 = scratch, *room1 = room0 + ((count + 7) & ~7);
  const int8_t* first = 0; /* of a pair */
  for (int y = 0; y < layer->out_h; ++y) {
    const int8_t* pixel = in + y * layer->stride_h * layer->in_w * layer->in_c;
    for (int x = 0; x < layer->out_w; ++x, pixel += step) {
      const int8_t* const patch = pointwise ? pixel : patch_of(layer, in, y, x, first ? room1 : room0);
      if (!first) {
        first = patch;
        continue;
      }
      two_pixels(&layer->scale, layer->weights, outputs, count, first, patch, out);
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
