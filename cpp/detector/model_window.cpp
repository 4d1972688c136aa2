#include "mltk/model_window.hpp"

#include <string.h>

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

static_assert(kValue<model_net_input> != NetValue::kFloat32, "the net's input is int8 or uint8");
static_assert(kKeepsState ? kWindow % MODEL_NET_INPUT_BYTES == 0 : kWindow == MODEL_NET_INPUT_BYTES,
              "the net's input is the front end's window, or rows of it");
static_assert(MODEL_NET_OUTPUT_BYTES == kClasses * sizeof(model_net_output),
              "the net has an output for each class");

// Whole windows of int8 lie in the pipeline's memory as the net takes them; all else is copied.
constexpr bool kCopies = kKeepsState || kValue<model_net_input> != NetValue::kInt8;
alignas(16) model_net_input input[kCopies ? MODEL_NET_INPUT_BYTES : 1];
alignas(16) model_net_output output[kClasses];

int8_t last[kKeepsState ? kWindow : 1];  // the window before, from which the net's state follows
bool has_last;

// Plain conditions and no `if constexpr`: some boards' tools still compile C++14.
void run(const int8_t* values) {
  if (kCopies) fill_input(values, MODEL_NET_INPUT_BYTES, kValue<model_net_input>, input);
  // Where nothing is copied, the net's type is that of `values`.
  model_net_run(kCopies ? input : reinterpret_cast<const model_net_input*>(values), output);
}

}  // namespace

void forget_windows() {
  model_net_init();
  has_last = false;
}

void classify_window(const int8_t* window, uint8_t* scores) {
  const size_t fresh = new_bytes(window, has_last ? last : nullptr, kWindow, MODEL_NET_INPUT_BYTES);
  for (size_t at = kWindow - fresh; at < kWindow; at += MODEL_NET_INPUT_BYTES) run(window + at);
  if (kKeepsState) {
    memcpy(last, window, kWindow);
    has_last = true;
  }
  scores_of(output, kValue<model_net_output>, kClasses, scores);
}

}  // namespace mltk
