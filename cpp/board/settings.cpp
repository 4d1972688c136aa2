// SET and GET: the settings of the pipeline by number.
#include <string.h>

#include "mltk/board.hpp"

namespace mltk {
namespace {

int32_t* whole_number(PipelineSettings& s, Parameter parameter) {
  if (parameter == Parameter::kLatency) return &s.latency_ms;
  if (parameter == Parameter::kMinimumCount) return &s.recogniser.minimum_count;
  return nullptr;
}

// False for a parameter that there is not, or a value that does not fit its type.
bool assign(PipelineSettings& s, Parameter parameter, int32_t value) {
  if (value < 0) return false;
  if (int32_t* number = whole_number(s, parameter)) {
    *number = value;
  } else if (parameter == Parameter::kAverageWindow) {
    s.recogniser.average_window_duration = value;
  } else if (parameter == Parameter::kSuppression) {
    s.recogniser.suppression = value;
  } else if (parameter == Parameter::kVolumeGain) {
    s.volume_gain = static_cast<float>(value) / 1000.0f;
  } else if (parameter == Parameter::kThreshold && value <= 255) {
    memset(s.recogniser.thresholds, value, sizeof s.recogniser.thresholds);
  } else {
    return false;
  }
  return true;
}

bool value_of(const PipelineSettings& settings, Parameter parameter, uint32_t* value) {
  PipelineSettings s = settings;
  if (const int32_t* number = whole_number(s, parameter)) {
    *value = static_cast<uint32_t>(*number);
  } else if (parameter == Parameter::kAverageWindow) {
    *value = static_cast<uint32_t>(s.recogniser.average_window_duration);
  } else if (parameter == Parameter::kSuppression) {
    *value = static_cast<uint32_t>(s.recogniser.suppression);
  } else if (parameter == Parameter::kVolumeGain) {
    *value = static_cast<uint32_t>(s.volume_gain * 1000.0f + 0.5f);
  } else if (parameter == Parameter::kThreshold) {
    *value = s.recogniser.thresholds[0];
  } else {
    return false;
  }
  return true;
}

}  // namespace

BoardStatus Board::set(const Frame& frame) {
  constexpr size_t kEach = 5;
  if (pipeline_ == nullptr) return BoardStatus::kUnsupported;
  if (frame.length == 0 || frame.length % kEach != 0) return BoardStatus::kMalformed;
  PipelineSettings changed = pipeline_->settings();
  for (size_t at = 0; at < frame.length; at += kEach) {
    const auto value = static_cast<int32_t>(read_u32(frame.payload + at + 1));
    if (!assign(changed, static_cast<Parameter>(frame.payload[at]), value)) return BoardStatus::kRefused;
  }
  if (!is_valid(changed)) return BoardStatus::kRefused;
  pipeline_->configure(changed);
  begin_stream();
  return BoardStatus::kOk;
}

BoardStatus Board::get(const Frame& frame) {
  uint32_t value = 0;
  if (pipeline_ == nullptr) return BoardStatus::kUnsupported;
  if (frame.length != 1) return BoardStatus::kMalformed;
  if (!value_of(pipeline_->settings(), static_cast<Parameter>(frame.payload[0]), &value))
    return BoardStatus::kNoSuch;
  put_u32(value);
  return BoardStatus::kOk;
}

}  // namespace mltk
