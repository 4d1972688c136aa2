// What the firmware hears: a file of the host's, or noise that swells and fades.
#pragma once

#include "machine.hpp"

/// Samples of samples.bin (int16), or of two seconds of noise where there is no such file.
class Signal {
 public:
  Signal() : handle_(machine::open("samples.bin", machine::Mode::kRead)) {}

  /// The next `count` samples; false at the end.
  bool next(int16_t* samples, size_t count) {
    if (handle_ >= 0) {
      return machine::read(handle_, samples, count * sizeof(int16_t)) == count * sizeof(int16_t);
    }
    for (size_t i = 0; i < count; ++i, ++made_) {
      random_ = random_ * 1664525u + 1013904223u;
      const int swell = 15 - static_cast<int>(made_ >> 10 & 15);
      samples[i] = static_cast<int16_t>(static_cast<int32_t>(random_) >> (16 + swell / 2));
    }
    return made_ <= 32000;
  }

 private:
  int handle_;
  uint32_t made_ = 0, random_ = 1;
};
