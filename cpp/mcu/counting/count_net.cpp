// The net alone, over windows of random values: prints the instructions of an inference, and of each layer,
// as JSON.
#include "count_report.hpp"
#include "machine.hpp"
#include "model_net.h"

namespace {

constexpr int kRuns = 2;
constexpr int kCalls = 64;  // to find out what a call of the hook takes

alignas(16) model_net_input input[MODEL_NET_INPUT_BYTES / sizeof(model_net_input)];
alignas(16) model_net_output output[MODEL_NET_OUTPUT_BYTES / sizeof(model_net_output)];

uint64_t ticks[MODEL_NET_LAYERS];
uint64_t began;

// Random bytes; for a net that takes real numbers, such as lie between -1 and 1.
void fill_input() {
  static uint32_t random = 1;
  for (model_net_input& each : input) {
    random = random * 1664525u + 1013904223u;
    const int value = static_cast<int>(random >> 24);
    each = sizeof(model_net_input) == 1
               ? static_cast<model_net_input>(value)
               : static_cast<model_net_input>(value - 128) / static_cast<model_net_input>(128);
  }
}

void print_layers(uint64_t of_a_call) {
  machine::print("\"layers\": [");
  for (int i = 0; i < MODEL_NET_LAYERS; ++i) {
    const uint64_t mean = ticks[i] / kRuns;
    machine::print(machine::instructions(mean > of_a_call ? mean - of_a_call : 0));
    if (i + 1 < MODEL_NET_LAYERS) machine::print(", ");
  }
  machine::print("], ");
}

}  // namespace

extern "C" {

// The same net, which calls mltk_net_layer.
void marked_net_init(void);
void marked_net_run(const model_net_input* input, model_net_output* output);

__attribute__((noinline)) void mltk_net_layer(int layer, const char*, int begin) {
  const uint64_t at = machine::now();
  if (begin == 0) ticks[layer] += at - began;
  began = machine::now();
}

void mltk_net_tensor(int, const void*, uint32_t) {}
}

int main() {
  machine::start_clock();
  const uint64_t spun = machine::calibration();
  for (int i = 0; i < kCalls; ++i) {
    mltk_net_layer(0, "", 1);
    mltk_net_layer(0, "", 0);
  }
  const uint64_t of_a_call = ticks[0] / kCalls;
  ticks[0] = 0;
  machine::Range inferences;
  size_t stack = 0;
  model_net_init();
  marked_net_init();
  for (int i = 0; i < kRuns; ++i) {
    fill_input();
    machine::paint_stack();
    machine::count_ticks(inferences, [] { model_net_run(input, output); });
    const size_t used = machine::stack_used();
    stack = used > stack ? used : stack;
    marked_net_run(input, output);
  }
  machine::print("{");
  machine::field("calibration", machine::instructions(spun));
  machine::field("inference", inferences);
  print_layers(of_a_call);
  machine::field("stack_bytes", stack, "}\n");
  return 0;
}
