// What the model that is compiled in hears: samples in, detections out. No heap, no exceptions. There is one
// in a program, since the net works in memory of its own.
//
//   void heard(const mltk::Detection& detection, void*) { blink(); }
//   static mltk::Detector detector(heard);
//   detector.open();
//   ... for each block of the microphone: detector.hear(samples, count);
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mltk/pipeline.hpp"
#include "model_constants.hpp"

namespace mltk {

class Detector final : private PipelineSink {
 public:
  /// Told of each detection as it is made; `time` is in milliseconds since open().
  using Heard = void (*)(const Detection& detection, void* context);
  /// Told of the scores of every class, 0 to 255, each time that the net has run.
  using Scored = void (*)(int64_t time_ms, const uint8_t* scores, void* context);

  explicit Detector(Heard heard, void* context = nullptr, Scored scored = nullptr)
      : heard_(heard), scored_(scored), context_(context) {}

  /// Once, before the first samples.
  void open();
  /// The next samples of the microphone, mono, at kModelSampleRateHz; any number of them.
  void hear(const int16_t* samples, size_t count) { pipeline_.process(samples, count); }
  /// Forgets what was heard; time begins at 0 again.
  void reset();

  /// Name of a class: of a detection's `class_index`.
  static const char* class_name(int32_t index) { return kModelClasses[index]; }

 private:
  bool classify(const int8_t* window, uint8_t* scores) override;
  void on_scores(int64_t time_ms, const uint8_t* scores) override;
  void on_detection(const Detection& detection) override { heard_(detection, context_); }

  Heard heard_;
  Scored scored_;
  void* context_;
  PipelineOf<ModelFrontEnd> pipeline_;
  // Of the size that a 64-bit computer needs, whose pointers are longer.
  alignas(kFrontendAlignment) uint8_t block_[kModelBlockBytes];
};

}  // namespace mltk
