// The net on rows of inputs: reads them from the file rows.bin, and writes to values.bin what each layer and
// the net give, as records of a layer (-1: the net), a size and the bytes. Both lie where the emulator was
// started.
#include "machine.hpp"
#include "model_net.h"

namespace {

alignas(16) uint8_t input[MODEL_NET_INPUT_BYTES];
alignas(16) uint8_t output[MODEL_NET_OUTPUT_BYTES];

int values = -1;
bool failed = false;

void record(int32_t layer, const void* from, uint32_t bytes) {
  const struct {
    int32_t layer;
    uint32_t bytes;
  } head = {layer, bytes};
  failed |= !machine::write(values, &head, sizeof head) || !machine::write(values, from, bytes);
}

// The types of the net's ends are those of its function.
template <class In, class Out>
void run(void (*net)(const In*, Out*)) {
  net(reinterpret_cast<const In*>(input), reinterpret_cast<Out*>(output));
}

}  // namespace

extern "C" {

// The net, which calls the hooks.
void marked_net_init(void);
decltype(model_net_run) marked_net_run;

void mltk_net_layer(int, const char*, int) {}
void mltk_net_tensor(int layer, const void* from, uint32_t bytes) { record(layer, from, bytes); }
}

int main() {
  const int rows = machine::open("rows.bin", machine::Mode::kRead);
  values = machine::open("values.bin", machine::Mode::kWrite);
  if (rows < 0 || values < 0) return 1;
  marked_net_init();
  while (!failed && machine::read(rows, input, sizeof input) == sizeof input) {
    run(marked_net_run);
    record(-1, output, sizeof output);
  }
  return failed ? 1 : 0;
}
