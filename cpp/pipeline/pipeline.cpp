#include "mltk/pipeline.hpp"

#include <string.h>

namespace mltk {
namespace {

constexpr int32_t kHourMs = 3600000;

size_t aligned(size_t bytes) {
  return (bytes + kFrontendAlignment - 1) / kFrontendAlignment * kFrontendAlignment;
}

int32_t window_of(const FrontendShape& shape) { return shape.window; }
int32_t window_of(const SpectrumShape& shape) { return shape.window; }

ColumnView view_of(int64_t first, size_t count, size_t channels, const uint16_t* levels) {
  return {first, count, channels, levels, nullptr};
}
ColumnView view_of(int64_t first, size_t count, size_t channels, const float* values) {
  return {first, count, channels, nullptr, values};
}

// Whether a detector has tripped since it was last asked; without one, always.
bool has_tripped(const FrontendTables& tables, FrontendStream& stream) {
  return !detects_activity(tables) || take_activity(stream);
}
bool has_tripped(const SpectrumTables&, SpectrumStream&) { return true; }

// To the nearest, halves to even, for magnitudes below 2^22: where a float has no bits for a fraction, the
// addition rounds. Needs no C library.
float rounded(float value) {
  constexpr float kNoFraction = 12582912.0f;  // 1.5 * 2^23
  return (value + kNoFraction) - kNoFraction;
}

}  // namespace

bool is_valid(const PipelineSettings& s) {
  if (s.latency_ms < 1 || s.latency_ms > kHourMs || !(s.volume_gain >= 0.0f && s.volume_gain <= 1000.0f))
    return false;
  if (!is_valid(s.recogniser) || !is_valid(s.gate)) return false;
  if (s.recogniser.average_window_duration > kHourMs || s.recogniser.suppression > kHourMs) return false;
  return (s.recogniser.minimum_count - 1) * int64_t{s.latency_ms} <= s.recogniser.average_window_duration;
}

void amplify(const int16_t* samples, size_t count, float gain, int16_t* out) {
  if (gain == 0.0f) {
    memcpy(out, samples, count * sizeof *samples);
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    const float scaled = static_cast<float>(samples[i]) * gain;
    out[i] = scaled >= 32767.0f    ? int16_t{32767}
             : scaled <= -32768.0f ? int16_t{-32768}
                                   : static_cast<int16_t>(rounded(scaled));
  }
}

template <class FrontEnd>
struct PipelineOf<FrontEnd>::Layout {
  Layout(const Tables& tables, const PipelineMemory& memory) {
    const auto& shape = shape_of(tables);
    const auto at_once = static_cast<size_t>(memory.columns_at_once);
    const auto columns = static_cast<size_t>(shape.columns), channels = static_cast<size_t>(shape.channels);
    piece = at_once * static_cast<size_t>(shape.step);
    capacity = columns + at_once;
    kept = aligned(stream_bytes(tables, memory.path));
    // With a scale that stays, a column is quantised once, when it is new.
    const bool moves = scales_by_window(tables);
    quantised = kept + aligned((moves ? capacity : at_once) * channels * sizeof(Value));
    window = quantised + aligned(moves ? 0 : capacity * channels);
    amplified = window + aligned(columns * channels);
    total = amplified + aligned(piece * sizeof(int16_t));
  }
  size_t piece, capacity, kept, quantised, window, amplified, total;
};

template <class FrontEnd>
size_t PipelineOf<FrontEnd>::bytes(const Tables& tables, const PipelineMemory& memory) {
  return Layout(tables, memory).total;
}

template <class FrontEnd>
bool PipelineOf<FrontEnd>::open(const Tables& tables, int32_t sample_rate_hz, const PipelineMemory& memory,
                                const PipelineSettings& settings, PipelineSink& sink, void* block,
                                size_t bytes) {
  const Layout layout(tables, memory);
  if (bytes < layout.total) return false;
  if (static_cast<int>(open_stream(tables, memory.path, block, layout.kept, &stream_)) != 0) return false;
  auto* base = static_cast<uint8_t*>(block);
  kept_ = reinterpret_cast<Value*>(base + layout.kept);
  quantised_ = scales_by_window(tables) ? nullptr : reinterpret_cast<int8_t*>(base + layout.quantised);
  window_ = reinterpret_cast<int8_t*>(base + layout.window);
  amplified_ = reinterpret_cast<int16_t*>(base + layout.amplified);
  piece_ = layout.piece;
  capacity_ = layout.capacity;
  tables_ = &tables;
  sink_ = &sink;
  const auto& shape = shape_of(tables);
  shape_ = {sample_rate_hz, window_of(shape), shape.step, shape.columns, shape.channels};
  configure(settings);
  return true;
}

template <class FrontEnd>
void PipelineOf<FrontEnd>::configure(const PipelineSettings& settings) {
  settings_ = settings;
  recogniser_ = Recogniser(settings.recogniser);
  gate_ = EnergyGate(settings.gate, shape_.step);
  reset();
}

template <class FrontEnd>
void PipelineOf<FrontEnd>::reset() {
  mltk::reset(*stream_);
  recogniser_.reset();
  gate_.reset();
  used_ = 0;
  columns_heard_ = heard_ = steps_ = 0;
}

// Samples before the end of the next window, which may end between two of them.
template <class FrontEnd>
int64_t PipelineOf<FrontEnd>::boundary() const {
  return (steps_ + 1) * settings_.latency_ms * shape_.sample_rate_hz / 1000;
}

template <class FrontEnd>
bool PipelineOf<FrontEnd>::process(const int16_t* samples, size_t count) {
  for (;;) {
    const int64_t end = boundary();
    const bool between_samples = (steps_ + 1) * settings_.latency_ms * shape_.sample_rate_hz % 1000 != 0;
    if (heard_ == end) {
      if (between_samples && count == 0) return true;
      if (!step()) return false;
      continue;
    }
    if (count == 0) return true;
    size_t n = count < piece_ ? count : piece_;
    if (static_cast<int64_t>(n) > end - heard_) n = static_cast<size_t>(end - heard_);
    hear(samples, n);
    samples += n;
    count -= n;
  }
}

// At most `piece_` samples, which complete at most as many columns as kept_ has room for beside a window.
template <class FrontEnd>
void PipelineOf<FrontEnd>::hear(const int16_t* samples, size_t count) {
  const auto channels = static_cast<size_t>(shape_.channels), columns = static_cast<size_t>(shape_.columns);
  if (settings_.volume_gain != 0.0f) {
    amplify(samples, count, settings_.volume_gain, amplified_);
    samples = amplified_;
  }
  gate_.hear(samples, count);
  const size_t fresh = columns_after(*stream_, count);
  if (used_ + fresh > capacity_) {
    const size_t first = (used_ - columns) * channels, values = columns * channels;
    if (quantised_ != nullptr) {
      memmove(quantised_, quantised_ + first, values);
    } else {
      memmove(kept_, kept_ + first, values * sizeof(Value));
    }
    used_ = columns;
  }
  Value* out = quantised_ != nullptr ? kept_ : kept_ + used_ * channels;
  mltk::process(*stream_, samples, count, out);
  heard_ += static_cast<int64_t>(count);
  if (fresh == 0) return;
  if (quantised_ != nullptr) quantise(*tables_, out, fresh * channels, quantised_ + used_ * channels);
  sink_->on_columns(view_of(columns_heard_, fresh, channels, out));
  used_ += fresh;
  columns_heard_ += static_cast<int64_t>(fresh);
}

template <class FrontEnd>
bool PipelineOf<FrontEnd>::step() {
  const int64_t time_ms = ++steps_ * settings_.latency_ms;
  const auto channels = static_cast<size_t>(shape_.channels), columns = static_cast<size_t>(shape_.columns);
  // Both are asked in every step, so that what was heard before the first window is over.
  const bool open = gate_.take(), tripped = has_tripped(*tables_, *stream_);
  if (columns_heard_ < shape_.columns || !open || !tripped) return true;
  const size_t first = (used_ - columns) * channels, count = columns * channels;
  if (quantised_ != nullptr) {
    memcpy(window_, quantised_ + first, count);
  } else {
    quantise(*tables_, kept_ + first, count, window_);
  }
  uint8_t scores[kRecogniserMaxClasses];
  if (!sink_->classify(window_, scores)) return false;
  sink_->on_scores(time_ms, scores);
  Detection detection;
  if (recogniser_.process(time_ms, scores, &detection)) sink_->on_detection(detection);
  return true;
}

template class PipelineOf<FixedFrontEnd>;
template class PipelineOf<FloatFrontEnd>;

}  // namespace mltk
