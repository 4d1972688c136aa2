#include "ESP_I2S.h"

#include <stdlib.h>
#include <string.h>

void I2SClass::setPins(int8_t, int8_t, int8_t, int8_t, int8_t) {}

bool I2SClass::begin(i2s_mode_t mode, uint32_t, i2s_data_bit_width_t bits, i2s_slot_mode_t slots,
                     int8_t mask) {
  return mode == I2S_MODE_STD && bits == I2S_DATA_BIT_WIDTH_32BIT && slots == I2S_SLOT_MODE_MONO &&
         mask == I2S_STD_SLOT_LEFT;
}

// The microphone's 24 bits come at the top of 32; those below the sample's 16 are noise.
size_t I2SClass::readBytes(char* buffer, size_t size) {
  int16_t samples[64];
  const size_t room = size / sizeof(int32_t);
  const size_t count = stand_in_samples(samples, room < 64 ? room : 64);
  if (count == 0) exit(0);
  for (size_t i = 0; i < count; ++i) {
    const int32_t slot = samples[i] * 65536 + 0x5500;
    memcpy(buffer + i * sizeof slot, &slot, sizeof slot);
  }
  return count * sizeof(int32_t);
}
