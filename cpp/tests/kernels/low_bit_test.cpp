// The kernels against a number worked out by hand, and against a slow version that unpacks everything first.
#include "low_bit.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace {

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                \
    }                                                                              \
  } while (false)

using Random = std::mt19937;

int draw(Random& random, int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }

// A stage with tables of its own, packed and as they are.
struct OwnStage {
  low_bit_stage c{};
  std::vector<int> depthwise, weights;
  std::vector<uint8_t> packed_depthwise, packed_weights, shift;
  std::vector<int32_t> multiplier;
  std::vector<int64_t> bias;
};

std::vector<int> draw_weights(Random& random, int bits, size_t count) {
  const int limit = (1 << (bits - 1)) - 1;
  std::vector<int> values(count);
  for (int& value : values) {
    value = draw(random, -limit, limit);
  }
  return values;
}

std::vector<uint8_t> pack(const std::vector<int>& values, int bits) {
  std::vector<uint8_t> bytes(bits > 4 ? values.size() : (values.size() + 1) / 2);
  for (size_t i = 0; i < values.size(); ++i) {
    if (bits > 4) {
      bytes[i] = static_cast<uint8_t>(values[i]);
    } else {
      bytes[i / 2] = static_cast<uint8_t>(bytes[i / 2] | (values[i] & 15) << (4 * (i % 2)));
    }
  }
  return bytes;
}

// Kind 0: convolution, 1: depthwise alone, 2: both.
OwnStage draw_stage(Random& random, int height, int width, int channels, int kind, bool last) {
  OwnStage own;
  low_bit_stage& s = own.c;
  s.in_height = static_cast<uint16_t>(height);
  s.in_width = static_cast<uint16_t>(width);
  s.in_channels = static_cast<uint16_t>(channels);
  s.kernel_height = static_cast<uint16_t>(draw(random, 1, 3));
  s.kernel_width = static_cast<uint16_t>(draw(random, 1, 3));
  s.stride_height = static_cast<uint8_t>(draw(random, 1, 2));
  s.stride_width = static_cast<uint8_t>(draw(random, 1, 2));
  s.pad_top = static_cast<uint8_t>(draw(random, 0, s.kernel_height - 1));
  s.pad_left = static_cast<uint8_t>(draw(random, 0, s.kernel_width - 1));
  // What lies beyond the lower right corner counts 0 as well.
  s.out_height = static_cast<uint16_t>((height - 1) / s.stride_height + 1);
  s.out_width = static_cast<uint16_t>((width - 1) / s.stride_width + 1);
  s.out_channels = static_cast<uint16_t>(kind == 1 ? channels : draw(random, 1, 7));
  s.pooled = static_cast<uint8_t>(draw(random, 0, 3) == 0);
  s.top = last ? 0 : static_cast<uint8_t>((1 << draw(random, 1, 8)) - 1);
  const size_t taps = size_t{s.kernel_height} * s.kernel_width;
  if (kind > 0) {
    s.depthwise_bits = static_cast<uint8_t>(draw(random, 2, 8));
    own.depthwise = draw_weights(random, s.depthwise_bits, taps * s.in_channels);
    own.packed_depthwise = pack(own.depthwise, s.depthwise_bits);
  }
  if (kind != 1) {
    s.weight_bits = static_cast<uint8_t>(draw(random, 2, 8));
    const size_t count = (kind == 0 ? taps : 1) * s.in_channels * s.out_channels;
    own.weights = draw_weights(random, s.weight_bits, count);
    own.packed_weights = pack(own.weights, s.weight_bits);
  }
  for (int channel = 0; channel < s.out_channels; ++channel) {
    own.multiplier.push_back(draw(random, -2000000000, 2000000000));
    own.bias.push_back(int64_t{draw(random, -2000000000, 2000000000)} * (1 << draw(random, 0, 20)));
    own.shift.push_back(static_cast<uint8_t>(draw(random, 20, 48)));
  }
  return own;
}

int64_t input_at(const low_bit_stage& s, const std::vector<int64_t>& in, int y, int x, int channel) {
  const bool inside = y >= 0 && y < s.in_height && x >= 0 && x < s.in_width;
  return inside ? in[(static_cast<size_t>(y) * s.in_width + static_cast<size_t>(x)) * s.in_channels +
                     static_cast<size_t>(channel)]
                : 0;
}

// One sum, by its definition.
int64_t slow_sum(const OwnStage& own, const std::vector<int64_t>& in, int y, int x, int output) {
  const low_bit_stage& s = own.c;
  int64_t total = 0;
  for (int channel = 0; channel < s.in_channels; ++channel) {
    if (own.weights.empty() && channel != output) {
      continue;
    }
    int64_t plane = 0;
    for (int row = 0; row < s.kernel_height; ++row) {
      for (int column = 0; column < s.kernel_width; ++column) {
        const int64_t value = input_at(s, in, y * s.stride_height - s.pad_top + row,
                                       x * s.stride_width - s.pad_left + column, channel);
        const size_t tap = static_cast<size_t>(row * s.kernel_width + column);
        const size_t taps = size_t{s.kernel_height} * s.kernel_width;
        const size_t c = static_cast<size_t>(channel);
        plane += value * (own.depthwise.empty()
                              ? own.weights[(static_cast<size_t>(output) * taps + tap) * s.in_channels + c]
                              : own.depthwise[tap * s.in_channels + c]);
      }
    }
    const bool both = !own.weights.empty() && !own.depthwise.empty();
    total += plane * (both ? own.weights[static_cast<size_t>(output * s.in_channels + channel)] : 1);
  }
  return total;
}

std::vector<int64_t> slow_stage(const OwnStage& own, const std::vector<int64_t>& in) {
  const low_bit_stage& s = own.c;
  std::vector<int64_t> sums;
  for (int y = 0; y < s.out_height; ++y) {
    for (int x = 0; x < s.out_width; ++x) {
      for (int output = 0; output < s.out_channels; ++output) {
        sums.push_back(slow_sum(own, in, y, x, output));
      }
    }
  }
  if (s.pooled) {
    for (size_t i = s.out_channels; i < sums.size(); ++i) {
      sums[i % s.out_channels] += sums[i];
    }
    sums.resize(s.out_channels);
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    const size_t c = i % s.out_channels;
    const int64_t value = sums[i] * own.multiplier[c] + own.bias[c];
    const int64_t unit = int64_t{1} << own.shift[c];
    const int64_t down = value / unit - (value % unit < 0 ? 1 : 0);
    sums[i] = s.top ? std::clamp<int64_t>(down, 0, s.top) : std::clamp<int64_t>(down, INT32_MIN, INT32_MAX);
  }
  return sums;
}

void by_hand() {
  const uint8_t weights[] = {0x93};  // 3, -7
  const int32_t multiplier[] = {-5};
  const int64_t bias[] = {9};
  const uint8_t shift[] = {2};
  const low_bit_stage stage = {1, 1, 2, 1, 1, 1,       1,       1,          1,    1,    0,
                               0, 0, 4, 0, 0, nullptr, weights, multiplier, bias, shift};
  const low_bit_net net = {&stage, 1, 1};
  const int8_t input[] = {10, 2};
  std::vector<int32_t> scratch(low_bit_scratch_bytes(&net) / 4 + 1);
  int32_t logit = 0;
  low_bit_run(&net, input, scratch.data(), &logit);
  CHECK(logit == -13);  // (3 * 11 - 7 * 3) * -5 + 9 = -51; a quarter of that, rounded down
}

void against_the_slow_version() {
  Random random(1);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<OwnStage> stages;
    int height = draw(random, 1, 6), width = draw(random, 1, 5), channels = draw(random, 1, 6);
    const size_t inputs = static_cast<size_t>(height * width * channels);
    const int count = draw(random, 1, 3);
    for (int i = 0; i < count; ++i) {
      stages.push_back(draw_stage(random, height, width, channels, draw(random, 0, 2), i == count - 1));
      const low_bit_stage& s = stages.back().c;
      height = s.pooled ? 1 : s.out_height;
      width = s.pooled ? 1 : s.out_width;
      channels = s.out_channels;
    }
    std::vector<low_bit_stage> table;
    for (OwnStage& own : stages) {
      own.c.depthwise = own.packed_depthwise.data();
      own.c.weights = own.packed_weights.data();
      own.c.multiplier = own.multiplier.data();
      own.c.bias = own.bias.data();
      own.c.shift = own.shift.data();
      table.push_back(own.c);
    }
    const int offset = draw(random, 0, 1) * 128;
    const low_bit_net net = {table.data(), static_cast<uint16_t>(count), static_cast<int16_t>(offset)};
    std::vector<int8_t> input(inputs);
    std::vector<int64_t> slow;
    for (int8_t& value : input) {
      value = static_cast<int8_t>(draw(random, -128, 127));
      slow.push_back(value + offset);
    }
    for (const OwnStage& own : stages) {
      slow = slow_stage(own, slow);
    }
    std::vector<int32_t> logits(slow.size());
    std::vector<int32_t> scratch(low_bit_scratch_bytes(&net) / 4 + 1);
    low_bit_run(&net, input.data(), scratch.data(), logits.data());
    CHECK(std::equal(slow.begin(), slow.end(), logits.begin()));
    const auto best = std::max_element(logits.begin(), logits.begin() + channels) - logits.begin();
    CHECK(low_bit_argmax(&net, logits.data()) == best);
  }
}

}  // namespace

int main() {
  by_hand();
  against_the_slow_version();
  std::puts("low_bit: ok");
  return 0;
}
