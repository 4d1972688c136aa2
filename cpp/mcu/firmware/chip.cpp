#include "chip.hpp"

#include <string.h>

#include "layer_counts.hpp"
#include "line.hpp"
#include "mltk/net.hpp"
#include "model_constants.hpp"
#include "model_net.h"

namespace mltk {
namespace {

constexpr size_t kWindow = size_t{kModelColumns} * kModelChannels;
constexpr bool kKeepsState = kModelStreamingRows != 0;
constexpr size_t kClasses = sizeof kModelClasses / sizeof *kModelClasses;

template <class T>
constexpr NetValue kValue = NetValue::kFloat32;
template <>
constexpr NetValue kValue<int8_t> = NetValue::kInt8;
template <>
constexpr NetValue kValue<uint8_t> = NetValue::kUint8;

// The net's types are those of its function.
template <class In, class Out>
struct Ends {
  using Input = In;
  using Output = Out;
};
template <class In, class Out>
Ends<In, Out> ends_of(void (*)(const In*, Out*));
using Net = decltype(ends_of(model_net_run));

static_assert(kValue<Net::Input> != NetValue::kFloat32, "the net's input is int8 or uint8");
static_assert(kKeepsState ? kWindow % MODEL_NET_INPUT_BYTES == 0 : kWindow == MODEL_NET_INPUT_BYTES,
              "the net's input is the front end's window, or rows of it");
static_assert(MODEL_NET_OUTPUT_BYTES == kClasses * sizeof(Net::Output),
              "the net has an output for each class");

// Whole windows of int8 lie in the pipeline's memory as the net takes them; all else is copied.
constexpr bool kCopies = kKeepsState || kValue<Net::Input> != NetValue::kInt8;
alignas(16) Net::Input input[kCopies ? MODEL_NET_INPUT_BYTES : 1];
alignas(16) Net::Output output[kClasses];

int8_t last[kKeepsState ? kWindow : 1];  // the window before, from which the net's state follows
bool has_last;

LayerCounts<MODEL_NET_LAYERS> counts;
bool profiled;

// A word that a reset leaves as it is, so that each has another number.
__attribute__((section(".kept"))) uint32_t boots;

void run(const int8_t* values) {
  if constexpr (kCopies) {
    fill_input(values, MODEL_NET_INPUT_BYTES, kValue<Net::Input>, input);
    model_net_run(input, output);
  } else {
    model_net_run(values, output);
  }
}

}  // namespace

void Chip::write(const uint8_t* bytes, size_t count) { line::write(bytes, count); }

BoardInfo Chip::info() {
  static const uint32_t boot = ++boots;
  return {boot, 0, line::kFramesAhead, kModelCheck};
}

const char* Chip::name(size_t index) {
  if (index == 0) return MLTK_BOARD_NAME;
  if (index == 1) return kModelName;
  return index - 2 < kClasses ? kModelClasses[index - 2] : nullptr;
}

bool Chip::classify(const int8_t* window, uint8_t* scores) {
  const size_t fresh = new_bytes(window, has_last ? last : nullptr, kWindow, MODEL_NET_INPUT_BYTES);
  for (size_t at = kWindow - fresh; at < kWindow; at += MODEL_NET_INPUT_BYTES) run(window + at);
  if constexpr (kKeepsState) {
    memcpy(last, window, kWindow);
    has_last = true;
  }
  scores_of(output, kValue<Net::Output>, kClasses, scores);
  return true;
}

bool Chip::profile(BoardProfile* profile) {
  static const int8_t silence[MODEL_NET_INPUT_BYTES] = {};
  line::listen(false);
  counts.begin();
  run(silence);
  counts.end();
  line::listen(true);
  profiled = true;
  has_last = false;  // the net has now heard something else
  *profile = {MODEL_NET_LAYERS, counts.total(), MODEL_NET_ARENA_BYTES + MODEL_NET_STATE_BYTES, kModelBytes};
  return true;
}

bool Chip::layer(size_t index, BoardLayer* layer) {
  if (index >= MODEL_NET_LAYERS || !profiled) return false;
  *layer = {counts.of(index), model_net_layer_names[index]};
  return true;
}

}  // namespace mltk

extern "C" {
void mltk_net_layer(int layer, const char*, int begin) { mltk::counts.hear(layer, begin != 0); }
void mltk_net_tensor(int, const void*, uint32_t) {}
}
