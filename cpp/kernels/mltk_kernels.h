/* The layers of int8 nets, for the sources that mltk_like.codegen writes: C11, no heap, no library but
   string.h and stdint.h, bit for bit what TensorFlow Lite Micro's reference kernels give.

   Each function takes a description of its layer, which is constant, and the tensors: rows of pixels, the
   channels of a pixel side by side. Conv, depthwise and dense layers exist three times with the same results:
   portable, for cores with the DSP extension (Cortex-M4, M7, M33) and for cores with MVE (Cortex-M55). Which
   one is compiled follows from the compiler's target; -DMLTK_KERNELS_PORTABLE takes the first anywhere.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#ifndef MLTK_KERNELS_H_
#define MLTK_KERNELS_H_

#include <stdint.h>

#if !defined(MLTK_KERNELS_PORTABLE) && defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define MLTK_KERNELS_MVE 1
#elif !defined(MLTK_KERNELS_PORTABLE) && defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
#define MLTK_KERNELS_DSP 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* From sums to the int8 of the next layer, channel by channel:
   clamp(round(round(sum * multiplier / 2^31 * 2^left) / 2^right) + zero, low, high), halves away from zero.
 */
typedef struct {
  const int32_t* bias;       /* what a sum begins with; the input's zero point is in it: see the layer */
  const int32_t* multiplier; /* >= 0 */
  const int8_t* shift; /* narrow: right - 1, right being 1 to 23; else left if positive, -right if negative */
  int16_t zero;
  int8_t low, high;
  uint8_t narrow; /* every sum is proved to be within -2^30 < sum < 2^30, and no channel shifts left */
} mltk_scale;

/* A convolution. Weights and sums are of the raw int8 values; since outside of the input lies its zero point,
   the bias of the file less zero_in * (sum of the channel's weights) is the whole correction. */
typedef struct {
  uint16_t in_h, in_w, in_c;
  uint16_t out_h, out_w, out_c;
  uint16_t kernel_h, kernel_w;
  uint16_t stride_h, stride_w;
  uint16_t dilation_h, dilation_w;
  int16_t pad_top, pad_left;
  int8_t zero_in;        /* what lies outside of the input */
  uint8_t packed;        /* weights lie as the DSP kernels want them (mltk_like/codegen/packing.py) */
  const int8_t* weights; /* (out_c, kernel_h, kernel_w, in_c); depthwise: (kernel_h, kernel_w, out_c) */
  mltk_scale scale;
} mltk_conv;

/* scratch: of the size that mltk_like.codegen.scratch says for the layer and the target, aligned to 8 bytes.
 */
void mltk_conv_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch);

/* out_c is a multiple of in_c: channel o is computed from channel o / (out_c / in_c). */
void mltk_depthwise_s8(const mltk_conv* layer, const int8_t* in, int8_t* out, void* scratch);

/* (rows, inputs) by (outputs, inputs). */
typedef struct {
  uint16_t rows, inputs, outputs;
  uint8_t packed;
  const int8_t* weights;
  mltk_scale scale;
} mltk_dense;

void mltk_dense_s8(const mltk_dense* layer, const int8_t* in, int8_t* out, void* scratch);

/* Sums and differences of two tensors, whose values are a[i * step] of `count` in each of `rows` rows; a step
   of 0 is one value for the whole row, a row step of 0 the same row again. */
typedef struct {
  uint32_t rows, count;
  uint16_t a_step, b_step;         /* 0 or 1 */
  uint32_t a_row_step, b_row_step; /* from one row to the next */
  int16_t a_zero, b_zero, out_zero;
  int8_t low, high;
  int32_t a_multiplier, b_multiplier, out_multiplier;
  int8_t a_shift, b_shift, out_shift;
  int8_t b_sign; /* 1; -1 for a difference */
} mltk_pair;

void mltk_add_s8(const mltk_pair* layer, const int8_t* a, const int8_t* b, int8_t* out);
void mltk_mul_s8(const mltk_pair* layer, const int8_t* a, const int8_t* b, int8_t* out);

/* out[i] = table[in[i] + 128]: any function of one value. */
void mltk_table_s8(const int8_t* table, uint32_t count, const int8_t* in, int8_t* out);

typedef struct {
  uint16_t in_h, in_w, channels;
  uint16_t out_h, out_w;
  uint16_t kernel_h, kernel_w;
  uint16_t stride_h, stride_w;
  int16_t pad_top, pad_left;
  int8_t low, high;
} mltk_pool;

void mltk_average_pool_s8(const mltk_pool* layer, const int8_t* in, int8_t* out);
void mltk_max_pool_s8(const mltk_pool* layer, const int8_t* in, int8_t* out);

/* Mean over the middle one of three dimensions (outer, count, inner). */
typedef struct {
  uint16_t outer, count, inner;
  int32_t multiplier; /* has the division by count */
  int8_t shift;
  int16_t zero_in, zero_out;
} mltk_mean;

void mltk_mean_s8(const mltk_mean* layer, const int8_t* in, int8_t* out);

typedef struct {
  uint16_t rows, count;
  int32_t multiplier;
  int8_t shift;
  int32_t least; /* differences to the greatest value below this count as probability 0 */
} mltk_softmax;

void mltk_softmax_s8(const mltk_softmax* layer, const int8_t* in, int8_t* out);

/* Copies a block of up to five dimensions; steps and sizes in bytes, the last dimension is contiguous if both
   of its steps are 1. */
typedef struct {
  uint16_t size[5];
  int32_t in_step[5], out_step[5];
} mltk_move;

void mltk_move_bytes(const mltk_move* layer, const void* in, void* out);

/* Between float32 and int8 at the ends of a net. */
void mltk_quantise_f32(float scale, int32_t zero, uint32_t count, const float* in, int8_t* out);
void mltk_dequantise_s8(float scale, int32_t zero, uint32_t count, const int8_t* in, float* out);

#ifdef __cplusplus
}
#endif

#endif /* MLTK_KERNELS_H_ */
