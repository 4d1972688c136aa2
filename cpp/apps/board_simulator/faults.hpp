// A bad serial line on purpose, for tests: bytes are lost, changed or invented, each with a probability.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace mltk {

struct FaultRates {
  double drop = 0;
  double flip = 0;
  double garbage = 0;  ///< a random byte is put in front
  double reset = 0;    ///< after so many bytes from the host the board resets, once
  double unplug = 0;   ///< after so many bytes from the host the line goes away, for good
};

/// From "drop=0.01,reset=5000". Throws RunnerError.
FaultRates parse_faults(const std::string& text);

class BadLine {
 public:
  BadLine(const FaultRates& rates, uint32_t seed) : rates_(rates), random_(seed) {}
  std::vector<uint8_t> pass(const uint8_t* bytes, size_t count);

 private:
  bool chance(double probability);

  FaultRates rates_;
  std::mt19937 random_;
};

}  // namespace mltk
