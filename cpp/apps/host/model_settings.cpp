#include "model_settings.hpp"

#include <limits>
#include <utility>

#include "mltk/setting_fields.hpp"
#include "runner_error.hpp"

namespace mltk {
namespace {

class Reader {
 public:
  Reader(const Parameters& parameters, std::string prefix)
      : parameters_(parameters), prefix_(std::move(prefix)) {}

  bool has_any() const {
    const auto at = parameters_.lower_bound(prefix_);
    return at != parameters_.end() && at->first.compare(0, prefix_.size(), prefix_) == 0;
  }

  void read(const char* name, bool& out) const {
    if (const auto* value = find(name)) out = as<bool>(name, *value);
  }
  void read(const char* name, float& out) const {
    const auto* value = find(name);
    if (value == nullptr) return;
    const auto* whole = std::get_if<int64_t>(value);
    out = whole ? static_cast<float>(*whole) : static_cast<float>(as<double>(name, *value));
  }
  void read(const char* name, int32_t& out) const {
    const auto* value = find(name);
    if (value == nullptr) return;
    const int64_t whole = as<int64_t>(name, *value);
    if (whole < std::numeric_limits<int32_t>::min() || whole > std::numeric_limits<int32_t>::max())
      refuse(name);
    out = static_cast<int32_t>(whole);
  }
  void read(const char* name, FeatureValues& out) const {
    const auto* value = find(name);
    if (value == nullptr) return;
    const auto& numbers = as<std::vector<float>>(name, *value);
    out = {numbers.data(), static_cast<int32_t>(numbers.size())};
  }
  template <class Choice>
  void read(const char* name, Choice& out) const {
    const auto* value = find(name);
    if (value != nullptr && !choose(as<std::string>(name, *value), out)) refuse(name);
  }
  template <class T>
  T get(const char* name, T fallback) const {
    const auto* value = find(name);
    return value == nullptr ? fallback : as<T>(name, *value);
  }

 private:
  const ParameterValue* find(const char* name) const {
    const auto at = parameters_.find(prefix_ + name);
    return at == parameters_.end() ? nullptr : &at->second;
  }
  template <class T>
  const T& as(const char* name, const ParameterValue& value) const {
    const T* found = std::get_if<T>(&value);
    if (found == nullptr) refuse(name);
    return *found;
  }
  [[noreturn]] void refuse(const char* name) const {
    throw RunnerError("the model's parameter " + prefix_ + name + " has a value that cannot be used");
  }

  const Parameters& parameters_;
  std::string prefix_;
};

template <class Settings, class Shape>
Settings front_end(const Reader& reader) {
  Settings settings;
  for_each_setting(settings, [&](const char* name, auto& value) { reader.read(name, value); });
  Shape shape{};
  const auto status = check(settings, &shape);
  if (static_cast<int>(status) != 0) {
    throw RunnerError(std::string("the model's front end cannot be used: ") + describe(status));
  }
  int32_t stored = shape.fft_length;
  reader.read("fft_length", stored);
  if (stored != shape.fft_length) {
    throw RunnerError("the model's FFT length is not that of its window");
  }
  return settings;
}

uint8_t threshold(int64_t level) {
  if (level < 0 || level > 255)
    throw RunnerError("a detection threshold of the model is not within 0 to 255");
  return static_cast<uint8_t>(level);
}

PipelineSettings pipeline_settings(const Reader& reader, const Reader& gate,
                                   const std::vector<std::string>& classes) {
  PipelineSettings s;
  RecogniserSettings& r = s.recogniser;
  r.classes = static_cast<int32_t>(classes.size());
  reader.read("latency_ms", s.latency_ms);
  reader.read("volume_gain", s.volume_gain);
  reader.read("minimum_count", r.minimum_count);
  r.average_window_duration = reader.get<int64_t>("average_window_duration_ms", r.average_window_duration);
  r.suppression = reader.get<int64_t>("suppression_ms", r.suppression);
  const auto levels = reader.get<std::vector<int32_t>>("detection_threshold_list", {});
  if (!levels.empty() && levels.size() != classes.size()) {
    throw RunnerError("the model has " + std::to_string(levels.size()) + " thresholds for " +
                      std::to_string(classes.size()) + " classes");
  }
  const auto level = reader.get<int64_t>("detection_threshold", 185);
  for (size_t i = 0; i < classes.size(); ++i) {
    r.thresholds[i] = threshold(levels.empty() ? level : levels[i]);
    if (classes[i].compare(0, 1, "_") == 0) r.ignored[i] = true;
  }
  if (gate.has_any()) {
    s.gate.threshold = 600;
    gate.read("threshold", s.gate.threshold);
    gate.read("backoff", s.gate.backoff);
  }
  if (!is_valid(s)) throw RunnerError("the model's recogniser or energy gate settings are out of range");
  return s;
}

}  // namespace

ModelSettings model_settings(Parameters given) {
  ModelSettings settings;
  settings.parameters = std::move(given);
  const Parameters& parameters = settings.parameters;
  const Reader plain(parameters, ""), fixed(parameters, "fe."), floating(parameters, "spectrum.");
  settings.name = plain.get<std::string>("name", "unnamed");
  settings.classes = plain.get<std::vector<std::string>>("classes", {});
  if (settings.classes.empty() || settings.classes.size() > kRecogniserMaxClasses) {
    throw RunnerError("the model's parameters name " + std::to_string(settings.classes.size()) +
                      " classes; 1 to " + std::to_string(kRecogniserMaxClasses) + " are possible");
  }
  if (fixed.has_any() == floating.has_any()) {
    throw RunnerError("the model's parameters hold no front end's settings, or those of two");
  }
  if (fixed.has_any()) {
    settings.frontend = front_end<FrontendSettings, FrontendShape>(fixed);
  } else {
    settings.frontend = front_end<SpectrumSettings, SpectrumShape>(floating);
  }
  plain.read("streaming.rows", settings.streaming_rows);
  settings.pipeline = pipeline_settings(plain, {parameters, "energy_gate."}, settings.classes);
  return settings;
}

}  // namespace mltk
