// Instructions of each layer of a net.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "machine.hpp"

namespace mltk {

/// Between begin() and end() it adds up the ticks of each layer, and afterwards tells instructions. What
/// reading the clock takes is taken off.
template <size_t kLayers>
class LayerCounts {
 public:
  void begin() {
    for (uint64_t& each : ticks_) each = 0;
    total_ = 0;
    machine::start_clock();
    start_ = machine::now();
    reading_ = machine::now() - start_;
    on_ = true;
  }

  void hear(int layer, bool begins) {
    if (!on_) return;
    const uint64_t now = machine::now();
    if (begins) {
      start_ = now;
    } else {
      ticks_[layer] += now - start_ > reading_ ? now - start_ - reading_ : 0;
    }
  }

  void end() {
    on_ = false;
    machine::stop_clock();
    for (uint64_t each : ticks_) total_ += each;
  }

  /// Of all layers.
  uint32_t total() const { return shortened(total_); }
  uint32_t of(size_t layer) const { return shortened(ticks_[layer]); }

 private:
  static uint32_t shortened(uint64_t ticks) {
    const uint64_t instructions = machine::instructions(ticks);
    return instructions < UINT32_MAX ? static_cast<uint32_t>(instructions) : UINT32_MAX;
  }

  uint64_t ticks_[kLayers] = {};
  uint64_t total_ = 0, start_ = 0, reading_ = 0;
  bool on_ = false;
};

}  // namespace mltk
