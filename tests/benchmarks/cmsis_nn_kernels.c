/* Layers by CMSIS-NN under the names of ours, for bench_kernels.py. What CMSIS-NN wants otherwise (biases
   with the zero point apart, shifts as int32, its scratch memory) is prepared when a layer is first called;
   calls after that are its own time. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "mltk_kernels.h"

static _Alignas(16) uint8_t memory[1 << 20];
static size_t used;

typedef struct {
  const void* layer;
  int32_t *bias, *multiplier, *shift;
  void* buffer;
} prepared;
static prepared known[256];

static void* take(size_t bytes) {
  void* at = memory + used;
  used += (bytes + 15) / 16 * 16;
  return at;
}

/* With the input's zero point apart. `step`: from one weight of a channel to the next, `row` from one channel
   to the next. */
static const prepared* prepare(const void* layer, const mltk_scale* s, const int8_t* weights, int channels,
                               int count, int row, int step, int zero_in, int32_t buffer_bytes) {
  prepared* p = known;
  while (p->layer && p->layer != layer) ++p;
  if (p->layer) return p;
  p->layer = layer;
  p->bias = take(4 * (size_t)channels);
  p->multiplier = take(4 * (size_t)channels);
  p->shift = take(4 * (size_t)channels);
  p->buffer = take((size_t)buffer_bytes);
  for (int c = 0; c < channels; ++c) {
    int32_t sum = 0;
    for (int k = 0; k < count; ++k) sum += weights[c * row + k * step];
    p->bias[c] = s->bias[c] + zero_in * sum;
    p->multiplier[c] = s->multiplier[c];
    p->shift[c] = s->narrow ? -(s->shift[c] + 1) : s->shift[c];
  }
  return p;
}

void mltk_conv_s8(const mltk_conv* l, const int8_t* in, int8_t* out, void* scratch) {
  (void)scratch;
  const cmsis_nn_conv_params params = {-l->zero_in,
                                       l->scale.zero,
                                       {l->stride_w, l->stride_h},
                                       {l->pad_left, l->pad_top},
                                       {l->dilation_w, l->dilation_h},
                                       {l->scale.low, l->scale.high}};
  const cmsis_nn_dims from = {1, l->in_h, l->in_w, l->in_c},
                      filter = {l->out_c, l->kernel_h, l->kernel_w, l->in_c};
  const cmsis_nn_dims bias = {1, 1, 1, l->out_c}, to = {1, l->out_h, l->out_w, l->out_c};
  const int count = l->kernel_h * l->kernel_w * l->in_c;
  const int32_t bytes = arm_convolve_wrapper_s8_get_buffer_size(&params, &from, &filter, &to);
  const prepared* p = prepare(l, &l->scale, l->weights, l->out_c, count, count, 1, l->zero_in, bytes);
  const cmsis_nn_context context = {p->buffer, bytes};
  const cmsis_nn_per_channel_quant_params scale = {p->multiplier, p->shift};
  arm_convolve_wrapper_s8(&context, &params, &scale, &from, in, &filter, l->weights, &bias, p->bias, &to,
                          out);
}

void mltk_depthwise_s8(const mltk_conv* l, const int8_t* in, int8_t* out, void* scratch) {
  (void)scratch;
  const cmsis_nn_dw_conv_params params = {-l->zero_in,
                                          l->scale.zero,
                                          l->out_c / l->in_c,
                                          {l->stride_w, l->stride_h},
                                          {l->pad_left, l->pad_top},
                                          {l->dilation_w, l->dilation_h},
                                          {l->scale.low, l->scale.high}};
  const cmsis_nn_dims from = {1, l->in_h, l->in_w, l->in_c}, filter = {1, l->kernel_h, l->kernel_w, l->out_c};
  const cmsis_nn_dims bias = {1, 1, 1, l->out_c}, to = {1, l->out_h, l->out_w, l->out_c};
  const int count = l->kernel_h * l->kernel_w;
  const int32_t bytes = arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, &from, &filter, &to);
  const prepared* p = prepare(l, &l->scale, l->weights, l->out_c, count, 1, l->out_c, l->zero_in, bytes);
  const cmsis_nn_context context = {p->buffer, bytes};
  const cmsis_nn_per_channel_quant_params scale = {p->multiplier, p->shift};
  arm_depthwise_conv_wrapper_s8(&context, &params, &scale, &from, in, &filter, l->weights, &bias, p->bias,
                                &to, out);
}

/* One multiplier for all outputs, and the zero point in the bias. */
void mltk_dense_s8(const mltk_dense* l, const int8_t* in, int8_t* out, void* scratch) {
  (void)scratch;
  const prepared* p = prepare(l, &l->scale, l->weights, l->outputs, l->inputs, l->inputs, 1, 0, 16);
  const cmsis_nn_fc_params params = {0, 0, l->scale.zero, {l->scale.low, l->scale.high}};
  const cmsis_nn_dims from = {l->rows, 1, 1, l->inputs}, filter = {l->inputs, 1, 1, l->outputs};
  const cmsis_nn_dims bias = {1, 1, 1, l->outputs}, to = {l->rows, 1, 1, l->outputs};
  const cmsis_nn_context context = {p->buffer, 16};
  const cmsis_nn_per_tensor_quant_params scale = {p->multiplier[0], p->shift[0]};
  arm_fully_connected_s8(&context, &params, &scale, &from, in, &filter, l->weights, &bias, p->bias, &to, out);
}

void mltk_average_pool_s8(const mltk_pool* l, const int8_t* in, int8_t* out) {
  const int32_t bytes = arm_avgpool_s8_get_buffer_size(l->out_w, l->channels);
  const mltk_scale none = {0};
  const prepared* p = prepare(l, &none, 0, 0, 0, 0, 0, 0, bytes);
  const cmsis_nn_pool_params params = {
      {l->stride_w, l->stride_h}, {l->pad_left, l->pad_top}, {l->low, l->high}};
  const cmsis_nn_dims from = {1, l->in_h, l->in_w, l->channels}, filter = {1, l->kernel_h, l->kernel_w, 1};
  const cmsis_nn_dims to = {1, l->out_h, l->out_w, l->channels};
  const cmsis_nn_context context = {p->buffer, bytes};
  arm_avgpool_s8(&context, &params, &from, in, &filter, &to, out);
}
