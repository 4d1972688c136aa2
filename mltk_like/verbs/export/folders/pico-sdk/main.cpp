// Detections of @NAME@ on a line each, over USB.
#include <cstdio>

#include "mltk/detector.hpp"
#include "pdm_microphone.hpp"
#include "pico/stdlib.h"

namespace {

constexpr uint32_t kDataPin = 2, kClockPin = 3;  // DAT and CLK of the microphone; its SEL to ground

void on_detection(const mltk::Detection& found, void*) {
  std::printf("Detected class=%d label=%s score=%d @%lldms\n", static_cast<int>(found.class_index),
              mltk::Detector::class_name(found.class_index), static_cast<int>(found.score),
              static_cast<long long>(found.time));
}

mltk::Detector detector(on_detection);

// The microphone's callback.
void on_samples(const int16_t* samples, size_t count) { detector.hear(samples, count); }

}  // namespace

int main() {
  stdio_init_all();
  detector.open();
  pdm_microphone_listen(kDataPin, kClockPin, mltk::kModelSampleRateHz, on_samples);
}
