// The gate of a detector that runs for years: while it is quiet nothing is classified. Frame by frame: one
// passes when any of its samples reaches the threshold, and so do the frames of the back-off after it.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mltk {

struct EnergyGateSettings {
  int32_t threshold = 0;  ///< least |sample|, of 16 bits, that opens the gate; 0: always open
  int32_t backoff = 14;   ///< frames that pass after the last loud one
};

/// True when every value is in range.
bool is_valid(const EnergyGateSettings& settings);

class EnergyGate {
 public:
  EnergyGate() = default;
  /// Settings are valid; a frame has one sample or more.
  EnergyGate(const EnergyGateSettings& settings, int32_t frame_samples)
      : settings_(settings), frame_(frame_samples) {}

  /// Forgets everything heard.
  void reset();
  /// Hears more samples.
  void hear(const int16_t* samples, size_t count);
  /// Whether a frame that ended since the last call passed; where none ended, the last answer.
  bool take();

 private:
  EnergyGateSettings settings_;
  int32_t frame_ = 1;
  int32_t heard_ = 0;        // samples of the frame that has begun
  int32_t loudest_ = 0;      // of them
  int32_t frames_left_ = 0;  // that still pass
  bool ended_ = false, passed_ = false, answer_ = true;
};

}  // namespace mltk
