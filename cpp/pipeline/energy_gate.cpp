#include "mltk/energy_gate.hpp"

namespace mltk {

bool is_valid(const EnergyGateSettings& s) {
  return s.threshold >= 0 && s.threshold <= 32768 && s.backoff >= 0 && s.backoff <= 10000;
}

void EnergyGate::reset() {
  heard_ = loudest_ = frames_left_ = 0;
  ended_ = passed_ = false;
  answer_ = true;
}

void EnergyGate::hear(const int16_t* samples, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const int32_t magnitude = samples[i] < 0 ? -int32_t{samples[i]} : int32_t{samples[i]};
    if (magnitude > loudest_) loudest_ = magnitude;
    if (++heard_ < frame_) continue;
    if (loudest_ >= settings_.threshold) frames_left_ = settings_.backoff + 1;
    ended_ = true;
    if (frames_left_ > 0) {
      passed_ = true;
      --frames_left_;
    }
    heard_ = loudest_ = 0;
  }
}

bool EnergyGate::take() {
  if (ended_) answer_ = passed_;
  ended_ = passed_ = false;
  return answer_;
}

}  // namespace mltk
