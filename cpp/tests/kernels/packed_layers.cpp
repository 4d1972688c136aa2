// Firmware that runs layers with packed weights, which layers.bin has with the outputs that they must give,
// and prints a line for each that differs or writes where it must not, then how many there were. The format
// is test_kernels_dsp.py's: numbers, then words, bias, multiplier, shift, input and output of each layer.
#include <string.h>

#include "machine.hpp"
#include "mltk_kernels.h"

namespace {

enum Number {
  kKind,  // 0: convolution, 1: depthwise, 2: dense, of which the first three sizes are rows, inputs and
          // outputs
  kSizes,
  kPadTop = kSizes + 12,
  kPadLeft,
  kZeroIn,
  kPacked,
  kZero,
  kLow,
  kHigh,
  kNarrow,
  kWords,
  kChannels,
  kInputs,
  kOutputs,
  kScratch,
  kNumbers
};

constexpr size_t kRoom = 32768, kGuard = 16;
constexpr int8_t kMark = 92;

alignas(8) int32_t numbers[kNumbers], words[kRoom / 4], bias[512], multiplier[512];
alignas(8) int8_t shift[512], input[kRoom], expected[kRoom], found[kRoom + 2 * kGuard],
    scratch[kRoom + kGuard];

template <typename T>
bool read(int file, T* to, int32_t count) {
  const size_t bytes = static_cast<size_t>(count) * sizeof(T);
  return machine::read(file, to, bytes) == bytes;
}

bool next(int file) {
  return read(file, numbers, kNumbers) && read(file, words, numbers[kWords]) &&
         read(file, bias, numbers[kChannels]) && read(file, multiplier, numbers[kChannels]) &&
         read(file, shift, numbers[kChannels]) && read(file, input, numbers[kInputs]) &&
         read(file, expected, numbers[kOutputs]);
}

uint16_t size(int i) { return static_cast<uint16_t>(numbers[kSizes + i]); }

void run() {
  const mltk_scale scale = {bias,
                            multiplier,
                            shift,
                            static_cast<int16_t>(numbers[kZero]),
                            static_cast<int8_t>(numbers[kLow]),
                            static_cast<int8_t>(numbers[kHigh]),
                            static_cast<uint8_t>(numbers[kNarrow])};
  const auto packed = static_cast<uint8_t>(numbers[kPacked]);
  const auto* weights = reinterpret_cast<const int8_t*>(words);
  int8_t* out = found + kGuard;
  if (numbers[kKind] == 2) {
    const mltk_dense layer = {size(0), size(1), size(2), packed, weights, scale};
    mltk_dense_s8(&layer, input, out, scratch);
    return;
  }
  const mltk_conv layer = {size(0),
                           size(1),
                           size(2),
                           size(3),
                           size(4),
                           size(5),
                           size(6),
                           size(7),
                           size(8),
                           size(9),
                           size(10),
                           size(11),
                           static_cast<int16_t>(numbers[kPadTop]),
                           static_cast<int16_t>(numbers[kPadLeft]),
                           static_cast<int8_t>(numbers[kZeroIn]),
                           packed,
                           weights,
                           scale};
  (numbers[kKind] == 1 ? mltk_depthwise_s8 : mltk_conv_s8)(&layer, input, out, scratch);
}

bool equal(const int8_t* a, const int8_t* b, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

bool is_marked(const int8_t* at) {
  for (size_t i = 0; i < kGuard; ++i)
    if (at[i] != kMark) return false;
  return true;
}

bool same() {
  const auto outputs = static_cast<size_t>(numbers[kOutputs]);
  memset(found, kMark, sizeof(found));
  memset(scratch, kMark, sizeof(scratch));
  run();
  return equal(found + kGuard, expected, outputs) && is_marked(found) &&
         is_marked(found + kGuard + outputs) && is_marked(scratch + numbers[kScratch]);
}

}  // namespace

int main() {
  const int file = machine::open("layers.bin", machine::Mode::kRead);
  uint64_t count = 0, differ = 0;
  for (; next(file); ++count) {
    if (same()) continue;
    ++differ;
    machine::print("differs: ");
    machine::print(count);
    machine::print("\n");
  }
  machine::print(count);
  machine::print(" layers\n");
  return differ == 0 ? 0 : 1;
}
