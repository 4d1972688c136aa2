// From samples to detections: front end, window, net, recogniser. The net is a call back, so nothing of
// TensorFlow is known here.
//
// A step is taken at each multiple of the latency, counted from the beginning of the stream, once the columns
// of a whole window lie before it. How the samples are cut into calls changes nothing. The net is not asked
// in steps in which the energy gate is closed, or in which an activity detector that is enabled has not
// tripped.
//
// Nothing here throws or allocates: the caller asks for a size and hands over memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mltk/energy_gate.hpp"
#include "mltk/frontend.hpp"
#include "mltk/recogniser.hpp"
#include "mltk/spectrum.hpp"

namespace mltk {

struct PipelineSettings {
  int32_t latency_ms = 100;
  /// Factor on the samples, with saturation; 0 leaves them as they are.
  float volume_gain = 0.0f;
  /// Durations in milliseconds.
  RecogniserSettings recogniser;
  /// Hears the amplified samples, in frames as long as the front end's step.
  EnergyGateSettings gate;
};

/// True when every value is in range and the recogniser could detect something.
bool is_valid(const PipelineSettings& settings);

/// Columns of the front end, in the type that it gives.
struct ColumnView {
  int64_t first;  ///< number of the first one since the beginning of the stream
  size_t count;
  size_t channels;
  const uint16_t* levels;  ///< of the fixed-point front end, else null
  const float* values;     ///< of the float front end, else null
};

/// The net, and whoever wants to know what happens on the way.
class PipelineSink {
 public:
  /// One score for each class of the recogniser from a window of columns. False: the stream is given up.
  virtual bool classify(const int8_t* window, uint8_t* scores) = 0;
  virtual void on_columns(const ColumnView&) {}
  virtual void on_scores(int64_t /*time_ms*/, const uint8_t* /*scores*/) {}
  virtual void on_detection(const Detection&) {}

 protected:
  ~PipelineSink() = default;
};

/// Sizes of the audio that a pipeline hears.
struct PipelineShape {
  int32_t sample_rate_hz;
  int32_t window;    ///< samples heard by one column
  int32_t step;      ///< samples from one column to the next
  int32_t columns;   ///< of one window of the net
  int32_t channels;  ///< values of one column
};

/// A pipeline with either front end.
class Pipeline {
 public:
  /// Hears more samples. False when the sink's net failed; reset() begins anew.
  virtual bool process(const int16_t* samples, size_t count) = 0;
  /// Forgets everything heard; time begins at 0 again.
  virtual void reset() = 0;
  /// Takes other settings, which are valid, and begins anew.
  virtual void configure(const PipelineSettings& settings) = 0;
  virtual const PipelineSettings& settings() const = 0;
  virtual const PipelineShape& shape() const = 0;

 protected:
  ~Pipeline() = default;
};

/// Multiplies samples, rounds to the nearest (halves to even) and saturates. 0 copies.
void amplify(const int16_t* samples, size_t count, float gain, int16_t* out);

/// Kinds of PipelineOf.
struct FixedFrontEnd {
  using Settings = FrontendSettings;
  using Tables = FrontendTables;
  using Stream = FrontendStream;
  using Value = uint16_t;
};
struct FloatFrontEnd {
  using Settings = SpectrumSettings;
  using Tables = SpectrumTables;
  using Stream = SpectrumStream;
  using Value = float;
};

/// How much memory is spent on speed.
struct PipelineMemory {
  FrontendPath path = FrontendPath::kPortable;
  int32_t columns_at_once = 1;  ///< 1..256; more are faster with kFastest
};

template <class FrontEnd>
class PipelineOf final : public Pipeline {
 public:
  using Tables = typename FrontEnd::Tables;
  using Value = typename FrontEnd::Value;

  /// Bytes of the block that open() needs.
  static size_t bytes(const Tables& tables, const PipelineMemory& memory);

  /// Opens in `block`, which is aligned to kFrontendAlignment. Tables, sink and block must outlive this
  /// object; settings are valid. `sample_rate_hz` is that of the front end's settings. False: the block is
  /// too small.
  bool open(const Tables& tables, int32_t sample_rate_hz, const PipelineMemory& memory,
            const PipelineSettings& settings, PipelineSink& sink, void* block, size_t bytes);

  bool process(const int16_t* samples, size_t count) override;
  void reset() override;
  void configure(const PipelineSettings& settings) override;
  const PipelineSettings& settings() const override { return settings_; }
  const PipelineShape& shape() const override { return shape_; }

 private:
  struct Layout;
  void hear(const int16_t* samples, size_t count);
  bool step();
  int64_t boundary() const;

  const Tables* tables_ = nullptr;
  typename FrontEnd::Stream* stream_ = nullptr;
  PipelineSink* sink_ = nullptr;
  PipelineSettings settings_;
  PipelineShape shape_{};
  Recogniser recogniser_{RecogniserSettings{}};
  EnergyGate gate_;
  Value* kept_ = nullptr;  // the latest columns, oldest first; only the new ones where these are quantised
  int8_t* quantised_ = nullptr;  // likewise, in int8; null where the scale changes with the window
  int8_t* window_ = nullptr;
  int16_t* amplified_ = nullptr;
  size_t piece_ = 0;     // samples at once
  size_t capacity_ = 0;  // columns that are kept, at most
  size_t used_ = 0;
  int64_t columns_heard_ = 0;
  int64_t heard_ = 0;  // samples
  int64_t steps_ = 0;  // times that a window could have ended
};

}  // namespace mltk
