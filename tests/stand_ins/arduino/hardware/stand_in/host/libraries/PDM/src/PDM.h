// Arduino's PDM microphone: blocks of 512 bytes, each announced by a callback.
#pragma once

#include <Arduino.h>

class PDMClass {
 public:
  int begin(int channels, int sampleRate);
  int available();
  int read(void* buffer, size_t size);
  void onReceive(void (*callback)(void));
};
extern PDMClass PDM;
