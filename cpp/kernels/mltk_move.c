/* Moving bytes: pad, transpose, split, concatenate, slice.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "mltk_kernels.h"

static void row(const mltk_move* layer, const uint8_t* in, uint8_t* out) {
  if (layer->in_step[4] == 1 && layer->out_step[4] == 1) {
    memmove(out, in, layer->size[4]);
    return;
  }
  for (int i = 0; i < layer->size[4]; ++i, in += layer->in_step[4], out += layer->out_step[4]) *out = *in;
}

void mltk_move_bytes(const mltk_move* layer, const void* in, void* out) {
  const uint8_t* from = in;
  uint8_t* to = out;
  for (int a = 0; a < layer->size[0]; ++a)
    for (int b = 0; b < layer->size[1]; ++b)
      for (int c = 0; c < layer->size[2]; ++c)
        for (int d = 0; d < layer->size[3]; ++d)
          row(layer,
              from + a * layer->in_step[0] + b * layer->in_step[1] + c * layer->in_step[2] +
                  d * layer->in_step[3],
              to + a * layer->out_step[0] + b * layer->out_step[1] + c * layer->out_step[2] +
                  d * layer->out_step[3]);
}
