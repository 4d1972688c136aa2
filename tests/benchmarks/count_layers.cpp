// A net layer by layer, for bench_kernels.py: prints a line of each layer with its number, name, instructions
// and a sum of the bytes that it gave for two windows of random values.
#include "machine.hpp"
#include "net.h"

namespace {

alignas(16) int8_t input[NET_INPUT_BYTES], output[NET_OUTPUT_BYTES];
uint64_t ticks[NET_LAYERS], began, of_a_call;
uint32_t sums[NET_LAYERS];
bool counting;

void print_number(uint64_t number) {
  machine::print(number);
  machine::print(" ");
}

}  // namespace

extern "C" void mltk_net_layer(int layer, const char*, int begin) {
  if (begin)
    began = machine::now();
  else
    ticks[layer] = machine::now() - began - of_a_call;
}

extern "C" void mltk_net_tensor(int layer, const void* values, uint32_t bytes) {
  const auto* at = static_cast<const uint8_t*>(values);
  for (uint32_t i = 0; !counting && i < bytes; ++i) sums[layer] = (sums[layer] ^ at[i]) * 16777619u;
}

int main() {
  machine::start_clock();
  const uint64_t start = machine::now();
  of_a_call = machine::now() - start;
  uint32_t random = 1;
  for (int window = 0; window < 2; ++window) {
    for (int8_t& value : input) {
      random = random * 1664525u + 1013904223u;
      value = static_cast<int8_t>(static_cast<int32_t>(random) >> (24 + window));
    }
    net_init();
    net_run(input, output);
  }
  counting = true;
  net_run(input, output);
  for (int i = 0; i < NET_LAYERS; ++i) {
    print_number(static_cast<uint64_t>(i));
    print_number(machine::instructions(ticks[i]));
    print_number(sums[i]);
    machine::print(net_layer_names[i]);
    machine::print("\n");
  }
  return 0;
}
