#include "chip.hpp"

#include "layer_counts.hpp"
#include "line.hpp"
#include "mltk/model_window.hpp"
#include "model_constants.hpp"
#include "model_net.h"

namespace mltk {
namespace {

constexpr size_t kClasses = sizeof kModelClasses / sizeof *kModelClasses;

LayerCounts<MODEL_NET_LAYERS> counts;
bool profiled;

// A word that a reset leaves as it is, so that each has another number.
__attribute__((section(".kept"))) uint32_t boots;

// One inference on zeros. The net's types are those of its function.
template <class In, class Out>
void run_once(void (*run)(const In*, Out*)) {
  alignas(16) static const In input[MODEL_NET_INPUT_BYTES / sizeof(In)] = {};
  alignas(16) static Out output[MODEL_NET_OUTPUT_BYTES / sizeof(Out)];
  run(input, output);
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
  classify_window(window, scores);
  return true;
}

bool Chip::profile(BoardProfile* profile) {
  // Some layers take more instructions for some values: a profile begins from the same ones each time.
  forget_windows();
  line::listen(false);
  counts.begin();
  run_once(model_net_run);
  counts.end();
  line::listen(true);
  profiled = true;
  forget_windows();  // the net has now heard something else
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
