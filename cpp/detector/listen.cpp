// What the model hears in a recording or on a live line:
//   listen [--scores] FILE.wav     a WAV file of 16-bit mono PCM at the model's rate
//   listen [--scores] -            samples alone, little-endian: arecord -f S16_LE -r 16000 -t raw | listen -
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "audio_input.hpp"
#include "mltk/detector.hpp"
#include "runner_error.hpp"

namespace {

void heard(const mltk::Detection& found, void*) {
  std::printf("Detected class=%d label=%s score=%d @%lldms\n", static_cast<int>(found.class_index),
              mltk::Detector::class_name(found.class_index), static_cast<int>(found.score),
              static_cast<long long>(found.time));
  std::fflush(stdout);
}

void scored(int64_t time_ms, const uint8_t* scores, void*) {
  std::printf("Scores @%lldms:", static_cast<long long>(time_ms));
  for (size_t i = 0; i < sizeof mltk::kModelClasses / sizeof *mltk::kModelClasses; ++i)
    std::printf(" %d", static_cast<int>(scores[i]));
  std::printf("\n");
}

}  // namespace

int main(int count, char** arguments) try {
  const bool scores = count > 1 && std::strcmp(arguments[1], "--scores") == 0;
  if (count != (scores ? 3 : 2)) throw mltk::RunnerError("usage: listen [--scores] FILE.wav|-");
  const std::string path = arguments[count - 1];
  static mltk::Detector detector(heard, nullptr, scores ? scored : nullptr);
  detector.open();
  mltk::AudioInput input(path, path == "-", mltk::kModelSampleRateHz);
  for (;;) {
    const auto samples = input.read(4096);
    if (samples.empty()) return 0;
    detector.hear(samples.data(), samples.size());
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "listen: %s\n", error.what());
  return 2;
}
