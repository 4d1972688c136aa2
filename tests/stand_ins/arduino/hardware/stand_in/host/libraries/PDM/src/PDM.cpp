#include "PDM.h"

#include <string.h>

PDMClass PDM;

namespace {

int16_t block[256];
size_t ready, read_bytes;
void (*announce)(void);

bool next_block() {
  // Of another size each time, as where a sketch reads late.
  static size_t samples = 1;
  samples = samples * 7 % 256 + 1;
  ready = stand_in_samples(block, samples) * sizeof *block;
  read_bytes = 0;
  if (ready > 0 && announce != nullptr) announce();
  return ready > 0;
}

}  // namespace

int PDMClass::begin(int channels, int sampleRate) {
  stand_in_microphone = next_block;
  return channels == 1 && sampleRate > 0 ? 1 : 0;
}

int PDMClass::available() { return static_cast<int>(ready - read_bytes); }

int PDMClass::read(void* buffer, size_t size) {
  const size_t count = size < ready - read_bytes ? size : ready - read_bytes;
  memcpy(buffer, reinterpret_cast<const char*>(block) + read_bytes, count);
  read_bytes += count;
  return static_cast<int>(count);
}

void PDMClass::onReceive(void (*callback)(void)) { announce = callback; }
