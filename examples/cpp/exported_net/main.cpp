// One window of a front end in, the score of each class out:
//   exported_net < window.raw
// The window is int8, MODEL_NET_INPUT_BYTES long: columns one after the other. Python's
// Frontend(...)(samples) gives it, and so does quantise() of mltk/frontend.hpp on a device. Several windows
// may follow each other.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <type_traits>

#include "model.h"
#include "model_net.h"

namespace {

const char* const kNames[] = CLASS_NAMES;

// There is no heap: a window, the scores, and the arena inside model_net.c are all that the net works in.
alignas(16) model_net_input window[MODEL_NET_INPUT_BYTES / sizeof(model_net_input)];
alignas(16) model_net_output outputs[CLASS_COUNT];

int score_of(model_net_output output) {
  if constexpr (std::is_same_v<model_net_output, int8_t>) return output + 128;
  return static_cast<int>(output);
}

}  // namespace

int main() {
  std::fprintf(stderr, "%s: %d bytes of arena, %d bytes of state\n", MODEL_NAME, MODEL_NET_ARENA_BYTES,
               MODEL_NET_STATE_BYTES);
  model_net_init();
  while (std::fread(window, sizeof window, 1, stdin) == 1) {
    model_net_run(window, outputs);
    for (int i = 0; i < CLASS_COUNT; ++i) std::printf("%s %d  ", kNames[i], score_of(outputs[i]));
    std::printf("-> %s\n", kNames[std::max_element(outputs, outputs + CLASS_COUNT) - outputs]);
  }
  return 0;
}
