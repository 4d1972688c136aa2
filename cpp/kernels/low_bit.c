#include "low_bit.h"

/* Inputs of a stage: the front end's int8 for the first one, levels 0..255 for all others. */
typedef struct {
  const int8_t* first;
  const uint8_t* levels;
  int32_t offset;
} plane;

static int32_t plane_at(const plane* in, size_t index) {
  return in->first ? in->first[index] + in->offset : in->levels[index];
}

static int32_t weight_at(const uint8_t* weights, int bits, size_t index) {
  if (bits > 4) {
    return weights[index] < 128 ? weights[index] : weights[index] - 256;
  }
  int32_t half = (weights[index / 2] >> (4 * (index % 2))) & 15;
  return (half ^ 8) - 8;
}

/* Sums of each plane around one place. */
static void depthwise_at(const low_bit_stage* s, const plane* in, int top, int left, int32_t* sums) {
  for (size_t c = 0; c < s->in_channels; ++c) {
    sums[c] = 0;
  }
  for (int row = 0; row < s->kernel_height; ++row) {
    for (int column = 0; column < s->kernel_width; ++column) {
      int y = top + row, x = left + column;
      if (y < 0 || y >= s->in_height || x < 0 || x >= s->in_width) {
        continue;
      }
      size_t from = ((size_t)y * s->in_width + (size_t)x) * s->in_channels;
      size_t tap = (size_t)(row * s->kernel_width + column) * s->in_channels;
      for (size_t c = 0; c < s->in_channels; ++c) {
        sums[c] += weight_at(s->depthwise, s->depthwise_bits, tap + c) * plane_at(in, from + c);
      }
    }
  }
}

/* One output of a 1x1 convolution over sums. */
static int32_t pointwise(const low_bit_stage* s, const int32_t* sums, size_t output) {
  size_t at = output * s->in_channels;
  int32_t total = 0;
  if (s->weight_bits <= 4 && s->in_channels % 2 == 0) {
    const uint8_t* pair = s->weights + at / 2;
    for (size_t c = 0; c < s->in_channels; c += 2, ++pair) {
      total += ((*pair & 15) ^ 8) * sums[c] + ((*pair >> 4) ^ 8) * sums[c + 1] - 8 * (sums[c] + sums[c + 1]);
    }
    return total;
  }
  for (size_t c = 0; c < s->in_channels; ++c) {
    total += weight_at(s->weights, s->weight_bits, at + c) * sums[c];
  }
  return total;
}

/* One output of a convolution at one place. */
static int32_t convolution(const low_bit_stage* s, const plane* in, int top, int left, size_t output) {
  int32_t total = 0;
  for (int row = 0; row < s->kernel_height; ++row) {
    for (int column = 0; column < s->kernel_width; ++column) {
      int y = top + row, x = left + column;
      if (y < 0 || y >= s->in_height || x < 0 || x >= s->in_width) {
        continue;
      }
      size_t from = ((size_t)y * s->in_width + (size_t)x) * s->in_channels;
      size_t tap =
          ((output * s->kernel_height + (size_t)row) * s->kernel_width + (size_t)column) * s->in_channels;
      for (size_t c = 0; c < s->in_channels; ++c) {
        total += weight_at(s->weights, s->weight_bits, tap + c) * plane_at(in, from + c);
      }
    }
  }
  return total;
}

static int64_t requantise(const low_bit_stage* s, size_t channel, int32_t sum) {
  int64_t value = (int64_t)sum * s->multiplier[channel] + s->bias[channel];
  int shift = s->shift[channel];
  /* Rounds down below 0 too, where C leaves >> to the compiler. */
  value = value >= 0 ? value >> shift : ~(~value >> shift);
  int64_t low = s->top ? 0 : INT32_MIN;
  int64_t high = s->top ? s->top : INT32_MAX;
  return value < low ? low : value > high ? high : value;
}

static void put(const low_bit_stage* s, size_t channel, size_t place, int32_t sum, uint8_t* levels,
                int32_t* logits) {
  int64_t value = requantise(s, channel, sum);
  size_t index = place * s->out_channels + channel;
  if (s->top) {
    levels[index] = (uint8_t)value;
  } else {
    logits[index] = (int32_t)value;
  }
}

static void run_stage(const low_bit_stage* s, const plane* in, int32_t* sums, int32_t* totals,
                      uint8_t* levels, int32_t* logits) {
  for (size_t c = 0; c < s->out_channels; ++c) {
    totals[c] = 0;
  }
  for (int y = 0; y < s->out_height; ++y) {
    for (int x = 0; x < s->out_width; ++x) {
      int top = y * s->stride_height - s->pad_top, left = x * s->stride_width - s->pad_left;
      if (s->depthwise_bits) {
        depthwise_at(s, in, top, left, sums);
      }
      for (size_t c = 0; c < s->out_channels; ++c) {
        int32_t sum = !s->depthwise_bits ? convolution(s, in, top, left, c)
                      : s->weight_bits   ? pointwise(s, sums, c)
                                         : sums[c];
        if (s->pooled) {
          totals[c] += sum;
        } else {
          put(s, c, (size_t)(y * s->out_width + x), sum, levels, logits);
        }
      }
    }
  }
  for (size_t c = 0; s->pooled && c < s->out_channels; ++c) {
    put(s, c, 0, totals[c], levels, logits);
  }
}

/* The largest number of outputs of a stage but the last, and the most channels in or out. */
static void sizes(const low_bit_net* net, size_t* largest, size_t* channels) {
  *largest = *channels = 1;
  for (size_t i = 0; i < net->count; ++i) {
    const low_bit_stage* s = &net->stages[i];
    size_t size = (s->pooled ? 1 : (size_t)s->out_height * s->out_width) * s->out_channels;
    if (s->top && size > *largest) {
      *largest = size;
    }
    if (s->in_channels > *channels) {
      *channels = s->in_channels;
    }
    if (s->out_channels > *channels) {
      *channels = s->out_channels;
    }
  }
}

size_t low_bit_scratch_bytes(const low_bit_net* net) {
  size_t largest, channels;
  sizes(net, &largest, &channels);
  return 2 * channels * sizeof(int32_t) + 2 * largest;
}

void low_bit_run(const low_bit_net* net, const int8_t* input, void* scratch, int32_t* logits) {
  size_t largest, channels;
  sizes(net, &largest, &channels);
  int32_t* sums = (int32_t*)scratch;
  int32_t* totals = sums + channels;
  uint8_t* into = (uint8_t*)(totals + channels);
  uint8_t* other = into + largest;
  plane in = {input, NULL, net->offset};
  for (size_t i = 0; i < net->count; ++i) {
    run_stage(&net->stages[i], &in, sums, totals, into, logits);
    in.first = NULL;
    in.levels = into;
    into = other;
    other = (uint8_t*)in.levels;
  }
}

int low_bit_argmax(const low_bit_net* net, const int32_t* logits) {
  int best = 0;
  for (int i = 1; i < net->stages[net->count - 1].out_channels; ++i) {
    if (logits[i] > logits[best]) {
      best = i;
    }
  }
  return best;
}
