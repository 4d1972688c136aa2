// Samples from a file or standard input: a WAV file of 16-bit mono PCM, or such samples alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mltk {

class AudioInput {
 public:
  /// `path` is a file or "-". Without `raw` the header is read. Throws RunnerError for what is not 16-bit
  /// mono PCM at `sample_rate_hz`.
  AudioInput(const std::string& path, bool raw, int32_t sample_rate_hz);
  ~AudioInput();
  AudioInput(const AudioInput&) = delete;
  AudioInput& operator=(const AudioInput&) = delete;

  /// Up to `count` samples, as soon as there are some; none at the end. Throws RunnerError.
  std::vector<int16_t> read(size_t count);

 private:
  void read_header(int32_t sample_rate_hz);
  void read_format(uint32_t bytes, int32_t sample_rate_hz);
  void skip(uint64_t bytes);
  bool fill(uint8_t* bytes, size_t count);

  std::string name_;
  int file_;
  uint64_t left_;  // bytes of sound
};

}  // namespace mltk
