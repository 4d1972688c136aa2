// Detections of @NAME@ on a line each.
#include <cstdio>

#include "microphone.h"
#include "mltk/detector.hpp"

namespace {

void on_detection(const mltk::Detection& found, void*) {
  std::printf("Detected class=%d label=%s score=%d @%lldms\n", static_cast<int>(found.class_index),
              mltk::Detector::class_name(found.class_index), static_cast<int>(found.score),
              static_cast<long long>(found.time));
}

mltk::Detector detector(on_detection);

// The microphone's callback.
void on_samples(const int16_t* samples, size_t count) { detector.hear(samples, count); }

}  // namespace

extern "C" void app_main() {
  detector.open();
  const esp_err_t error = microphone_listen(mltk::kModelSampleRateHz, on_samples);
  std::printf("The microphone gives nothing: %s\n", esp_err_to_name(error));
}
