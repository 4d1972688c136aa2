// Firmware that runs layers of random data through the kernels of its core and through the portable ones and
// compares bytes. cases.inc, which the test writes, lists the layers; the portable kernels are compiled once
// more under names with `portable_` before them. Prints one line for each layer that differs, then for each
// kind of layer what both took.
#include <string.h>

#include "machine.hpp"
#include "mltk_kernels.h"

extern "C" {
void portable_mltk_conv_s8(const mltk_conv*, const int8_t*, int8_t*, void*);
void portable_mltk_depthwise_s8(const mltk_conv*, const int8_t*, int8_t*, void*);
void portable_mltk_dense_s8(const mltk_dense*, const int8_t*, int8_t*, void*);
void portable_mltk_add_s8(const mltk_pair*, const int8_t*, const int8_t*, int8_t*);
void portable_mltk_mul_s8(const mltk_pair*, const int8_t*, const int8_t*, int8_t*);
void portable_mltk_table_s8(const int8_t*, uint32_t, const int8_t*, int8_t*);
void portable_mltk_average_pool_s8(const mltk_pool*, const int8_t*, int8_t*);
void portable_mltk_max_pool_s8(const mltk_pool*, const int8_t*, int8_t*);
void portable_mltk_mean_s8(const mltk_mean*, const int8_t*, int8_t*);
}

namespace {

enum class Kind : uint8_t {
  kConv,
  kDepthwise,
  kDense,
  kAdd,
  kMul,
  kTable,
  kAveragePool,
  kMaxPool,
  kMean,
  kCount
};
constexpr const char* kNames[] = {"conv",  "depthwise",    "dense",    "add", "mul",
                                  "table", "average_pool", "max_pool", "mean"};

// A conv's fields, without pointers; a dense layer is (in_h rows, in_c inputs, out_c outputs). Pools have the
// same fields; of what works value by value in_c is the count and in_h the rows, and a mean is over in_h.
struct Case {
  Kind kind;
  mltk_conv shape;
  uint32_t scratch_bytes;
  uint8_t narrow, in_place;  // in_place: the output may lie where the input lies
  uint32_t seed;
};

constexpr Case kCases[] = {
#include "cases.inc"
};

constexpr uint32_t kRoom = 48 * 1024, kWeights = 64 * 1024, kChannels = 512, kScratch = 16 * 1024,
                   kGuard = 32;
constexpr int8_t kMark = 0x5B;

alignas(8) int8_t input[kRoom], other[kRoom], expected[kRoom], found[kRoom + 2 * kGuard];
alignas(8) int8_t weights[kWeights], scratch[kScratch + kGuard];
int32_t bias[kChannels], multiplier[kChannels];
int8_t shift[kChannels];
uint32_t state;

uint32_t draw() {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}
// From `low` to `high`, both included.
int32_t between(int32_t low, int32_t high) {
  return low + static_cast<int32_t>(draw() % static_cast<uint32_t>(high - low + 1));
}
// Every byte, and in some cases the ends of the range more often than chance has it.
void fill(int8_t* to, uint32_t count) {
  const bool ends = draw() % 4 == 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t value = draw();
    to[i] = ends && value & 0x100 ? (value & 0x200 ? 127 : -128) : static_cast<int8_t>(value);
  }
}

mltk_scale random_scale(uint32_t channels, uint32_t terms, bool narrow) {
  int spread = 6;  // bits by which a sum of so many products is greater than the output
  for (; terms > 1; terms >>= 2) ++spread;
  for (uint32_t i = 0; i < channels; ++i) {
    multiplier[i] = between(1 << 30, INT32_MAX);
    bias[i] = between(-20000, 20000);
    if (draw() % 16 == 0) bias[i] = between(-(1 << 29), 1 << 29);
    shift[i] =
        static_cast<int8_t>(narrow ? between(spread - 4, spread + 1) : between(-spread - 2, -spread + 3));
    if (draw() % 16 == 0) shift[i] = static_cast<int8_t>(narrow ? between(0, 22) : between(-31, 6));
    if (draw() % 32 == 0) multiplier[i] = between(0, 5);
  }
  const auto zero = static_cast<int16_t>(between(-128, 127));
  const bool relu = draw() % 2 == 0, least = draw() % 2 == 0;
  const auto low = static_cast<int8_t>(relu              ? (least ? -128 : zero)
                                       : draw() % 4 == 0 ? between(-128, 0)
                                                         : -128);
  const auto high = static_cast<int8_t>(draw() % 4 == 0 ? between(low, 127) : 127);
  return {bias, multiplier, shift, static_cast<int16_t>(relu ? low : zero), low, high, narrow};
}

mltk_pair random_pair(const Case& one, bool product) {
  mltk_pair pair = {};
  pair.rows = one.shape.in_h;
  pair.count = one.shape.in_c;
  pair.a_step = draw() % 4 != 0, pair.b_step = draw() % 4 != 0;
  pair.a_row_step = draw() % 4 == 0 ? 0 : pair.a_step ? pair.count : 1;
  pair.b_row_step = draw() % 4 == 0 ? 0 : pair.b_step ? pair.count : 1;
  pair.a_zero = static_cast<int16_t>(between(-128, 127));
  pair.b_zero = static_cast<int16_t>(between(-128, 127));
  pair.out_zero = static_cast<int16_t>(between(-128, 127));
  pair.low = static_cast<int8_t>(draw() % 2 == 0 ? pair.out_zero : -128);
  pair.high = static_cast<int8_t>(draw() % 4 == 0 ? between(pair.low, 127) : 127);
  pair.a_multiplier = between(1 << 30, INT32_MAX);
  pair.b_multiplier = between(1 << 30, INT32_MAX);
  pair.b_sign = draw() % 4 == 0 ? -1 : 1;
  pair.out_multiplier = between(1 << 30, INT32_MAX);
  pair.a_shift = static_cast<int8_t>(between(-3, 1));
  pair.b_shift = static_cast<int8_t>(between(-6, 0));
  pair.out_shift = static_cast<int8_t>(product ? between(-12, 2) : between(-22, -16));
  return pair;
}

using Conv = void (*)(const mltk_conv*, const int8_t*, int8_t*, void*);
using Dense = void (*)(const mltk_dense*, const int8_t*, int8_t*, void*);
using Pair = void (*)(const mltk_pair*, const int8_t*, const int8_t*, int8_t*);
using Table = void (*)(const int8_t*, uint32_t, const int8_t*, int8_t*);
using Pool = void (*)(const mltk_pool*, const int8_t*, int8_t*);
using Mean = void (*)(const mltk_mean*, const int8_t*, int8_t*);

// Runs one layer; its functions are those of the core or the portable ones.
struct Layer {
  const Case& one;
  mltk_scale scale;
  mltk_pair pair;
  mltk_mean mean;
  const int8_t* in = input;

  mltk_conv conv() const {
    mltk_conv made = one.shape;
    made.weights = weights;
    made.scale = scale;
    return made;
  }
  void operator()(Conv run, int8_t* out) const {
    const mltk_conv made = conv();
    run(&made, in, out, scratch);
  }
  void operator()(Dense run, int8_t* out) const {
    const mltk_dense made = {one.shape.in_h, one.shape.in_c, one.shape.out_c, 0, weights, scale};
    run(&made, input, out, scratch);
  }
  void operator()(Pair run, int8_t* out) const { run(&pair, input, other, out); }
  void operator()(Table run, int8_t* out) const { run(weights, one.shape.in_c, input, out); }
  void operator()(Pool run, int8_t* out) const {
    const mltk_conv& s = one.shape;
    const mltk_pool made = {s.in_h,     s.in_w,     s.in_c,    s.out_h,    s.out_w,   s.kernel_h, s.kernel_w,
                            s.stride_h, s.stride_w, s.pad_top, s.pad_left, scale.low, scale.high};
    run(&made, input, out);
  }
  void operator()(Mean run, int8_t* out) const { run(&mean, input, out); }
};

uint64_t ticks[static_cast<int>(Kind::kCount)][2];

template <class Run>
void compare(Layer& layer, uint32_t bytes, Run portable, Run own) {
  memset(found, kMark, sizeof found);
  memset(expected, kMark, sizeof expected);
  memset(scratch, kMark, sizeof scratch);
  const uint64_t first = machine::now();
  layer(portable, expected);
  memset(scratch, kMark, sizeof scratch);
  uint32_t room = bytes;
  if (layer.one.in_place) {
    const mltk_conv& s = layer.one.shape;
    const uint32_t whole = uint32_t{s.in_h} * s.in_w * s.in_c;
    room = whole > bytes ? whole : bytes;
    memcpy(found + kGuard, input, whole);
    layer.in = found + kGuard;
  }
  const uint64_t second = machine::now();
  layer(own, found + kGuard);
  const uint64_t third = machine::now();
  uint64_t* const took = ticks[static_cast<int>(layer.one.kind)];
  took[0] += second - first;
  took[1] += third - second;
  const char* what = nullptr;
  uint32_t at = 0;
  for (uint32_t i = 0; i < bytes && what == nullptr; ++i) {
    if (found[kGuard + i] != expected[i]) what = "differs", at = i;
  }
  for (uint32_t i = 0; i < kGuard; ++i) {
    if (found[i] != kMark || found[kGuard + room + i] != kMark) what = "writes outside of its output";
    if (scratch[layer.one.scratch_bytes + i] != kMark) what = "writes outside of its scratch";
  }
  if (what == nullptr) return;
  machine::print(kNames[static_cast<int>(layer.one.kind)]);
  machine::print(" ");
  machine::print(what);
  machine::print(", case ");
  machine::print(static_cast<uint64_t>(&layer.one - kCases));
  machine::print(", byte ");
  machine::print(at);
  machine::print("\n");
}

void run(const Case& one) {
  state = one.seed;
  const mltk_conv& s = one.shape;
  fill(input, kRoom);
  fill(other, kRoom);
  const bool depthwise = one.kind == Kind::kDepthwise;
  const uint32_t terms = one.kind == Kind::kDense
                             ? s.in_c
                             : static_cast<uint32_t>(s.kernel_h * s.kernel_w) * (depthwise ? 1u : s.in_c);
  fill(weights, kWeights);
  Layer layer = {one, random_scale(s.out_c, terms, one.narrow), random_pair(one, one.kind == Kind::kMul), {}};
  layer.mean = {s.in_w,
                s.in_h,
                s.in_c,
                between(1 << 30, INT32_MAX),
                static_cast<int8_t>(between(-8, 1)),
                static_cast<int16_t>(between(-128, 127)),
                static_cast<int16_t>(between(-128, 127))};
  const uint32_t image = uint32_t{s.out_h} * s.out_w * s.out_c;
  switch (one.kind) {
    case Kind::kConv:
      compare(layer, image, Conv{portable_mltk_conv_s8}, Conv{mltk_conv_s8});
      break;
    case Kind::kDepthwise:
      compare(layer, image, Conv{portable_mltk_depthwise_s8}, Conv{mltk_depthwise_s8});
      break;
    case Kind::kDense:
      compare(layer, uint32_t{s.in_h} * s.out_c, Dense{portable_mltk_dense_s8}, Dense{mltk_dense_s8});
      break;
    case Kind::kAdd:
      compare(layer, uint32_t{s.in_h} * s.in_c, Pair{portable_mltk_add_s8}, Pair{mltk_add_s8});
      break;
    case Kind::kMul:
      compare(layer, uint32_t{s.in_h} * s.in_c, Pair{portable_mltk_mul_s8}, Pair{mltk_mul_s8});
      break;
    case Kind::kTable:
      compare(layer, s.in_c, Table{portable_mltk_table_s8}, Table{mltk_table_s8});
      break;
    case Kind::kAveragePool:
      compare(layer, image, Pool{portable_mltk_average_pool_s8}, Pool{mltk_average_pool_s8});
      break;
    case Kind::kMaxPool:
      compare(layer, image, Pool{portable_mltk_max_pool_s8}, Pool{mltk_max_pool_s8});
      break;
    case Kind::kMean:
      compare(layer, uint32_t{s.in_w} * s.in_c, Mean{portable_mltk_mean_s8}, Mean{mltk_mean_s8});
      break;
    case Kind::kCount:
      break;
  }
}

}  // namespace

int main() {
  machine::start_clock();
  for (const Case& one : kCases) run(one);
  for (int kind = 0; kind < static_cast<int>(Kind::kCount); ++kind) {
    machine::print("# ");
    machine::print(kNames[kind]);
    for (const uint64_t took : ticks[kind]) {
      machine::print(" ");
      machine::print(machine::instructions(took));
    }
    machine::print("\n");
  }
  return 0;
}
