/* Nets in integers with weights of few bits, two of them to a byte from 4 bits down; portable C11 without
   libraries.

   What each stage computes is written in docs/low_bit.md; it is bit for bit what mltk_like.low_bit computes
   in NumPy. `export MODEL --format low-bit` writes the tables of a net as C source, and these two files.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#ifndef MLTK_LOW_BIT_H_
#define MLTK_LOW_BIT_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One layer with weights, and what follows up to the next one. */
typedef struct {
  uint16_t in_height, in_width, in_channels;
  uint16_t out_height, out_width, out_channels; /* before pooling */
  uint16_t kernel_height, kernel_width;
  uint8_t stride_height, stride_width;
  uint8_t pad_top, pad_left; /* what lies outside counts 0 */
  uint8_t depthwise_bits;    /* 0: no depthwise part */
  uint8_t weight_bits;       /* 0: no sum over channels */
  uint8_t pooled;            /* sum over all places before the output */
  uint8_t top;               /* greatest output; 0: the outputs are logits */
  const uint8_t* depthwise;  /* packed (height, width, inputs) */
  const uint8_t*
      weights; /* packed (outputs, height, width, inputs), or (outputs, inputs) after a depthwise part */
  const int32_t* multiplier; /* (outputs,) each */
  const int64_t* bias;
  const uint8_t* shift;
} low_bit_stage;

/* A net: the last stage gives logits. */
typedef struct {
  const low_bit_stage* stages;
  uint16_t count;
  int16_t offset; /* added to every input */
} low_bit_net;

/* Bytes of working memory that low_bit_run needs, aligned for int32_t. */
size_t low_bit_scratch_bytes(const low_bit_net* net);

/* Logits times 2^16 of one window of the front end's int8.

   input: in_height * in_width * in_channels of the first stage.
   scratch: low_bit_scratch_bytes(net) bytes, aligned for int32_t.
   logits: one for each output of the last stage. */
void low_bit_run(const low_bit_net* net, const int8_t* input, void* scratch, int32_t* logits);

/* Index of the greatest logit, the first of equal ones. */
int low_bit_argmax(const low_bit_net* net, const int32_t* logits);

#ifdef __cplusplus
}
#endif

#endif /* MLTK_LOW_BIT_H_ */
