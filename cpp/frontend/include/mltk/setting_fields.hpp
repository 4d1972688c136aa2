// Every setting of a front end with its name, for what reads settings from elsewhere: Python's objects, a
// model's parameters, a command line. A device does without.
#pragma once

#include <string_view>

#include "mltk/frontend.hpp"
#include "mltk/spectrum.hpp"

namespace mltk {

/// Names of an enumeration's values, in its order; the Python class has the same.
template <class Choice>
struct ChoiceNames;

template <>
struct ChoiceNames<SampleScale> {
  static constexpr const char* kAll[] = {"unit", "int16"};
};

template <>
struct ChoiceNames<WindowFunction> {
  static constexpr const char* kAll[] = {"hann", "hamming"};
};

template <>
struct ChoiceNames<FilterbankScale> {
  static constexpr const char* kAll[] = {"slaney", "htk", "linear"};
};

template <>
struct ChoiceNames<FilterbankTriangles> {
  static constexpr const char* kAll[] = {"hz", "mel"};
};

template <>
struct ChoiceNames<SpectrumLog> {
  static constexpr const char* kAll[] = {"none", "ln", "log1p", "db"};
};

/// Sets `choice` to the value of that name; false when there is none.
template <class Choice>
bool choose(std::string_view name, Choice& choice) {
  uint8_t place = 0;
  for (const char* each : ChoiceNames<Choice>::kAll) {
    if (name == each) {
      choice = static_cast<Choice>(place);
      return true;
    }
    ++place;
  }
  return false;
}

#define MLTK_VISIT(field) visit(#field, settings.field)

/// Calls `visit(name, field)` for every setting, in the order of their declaration.
template <class Visit>
void for_each_setting(FrontendSettings& settings, Visit visit) {
  MLTK_VISIT(sample_rate_hz);
  MLTK_VISIT(sample_length_ms);
  MLTK_VISIT(window_size_ms);
  MLTK_VISIT(window_step_ms);
  MLTK_VISIT(filterbank_n_channels);
  MLTK_VISIT(filterbank_upper_band_limit);
  MLTK_VISIT(filterbank_lower_band_limit);
  MLTK_VISIT(noise_reduction_enable);
  MLTK_VISIT(noise_reduction_smoothing_bits);
  MLTK_VISIT(noise_reduction_even_smoothing);
  MLTK_VISIT(noise_reduction_odd_smoothing);
  MLTK_VISIT(noise_reduction_min_signal_remaining);
  MLTK_VISIT(pcan_enable);
  MLTK_VISIT(pcan_strength);
  MLTK_VISIT(pcan_offset);
  MLTK_VISIT(pcan_gain_bits);
  MLTK_VISIT(log_scale_enable);
  MLTK_VISIT(log_scale_shift);
  MLTK_VISIT(activity_detection_enable);
  MLTK_VISIT(activity_detection_alpha_a);
  MLTK_VISIT(activity_detection_alpha_b);
  MLTK_VISIT(activity_detection_arm_threshold);
  MLTK_VISIT(activity_detection_trip_threshold);
  MLTK_VISIT(dc_notch_filter_enable);
  MLTK_VISIT(dc_notch_filter_coefficient);
  MLTK_VISIT(quantize_dynamic_scale_enable);
  MLTK_VISIT(quantize_dynamic_scale_range_db);
}

template <class Visit>
void for_each_setting(SpectrumSettings& settings, Visit visit) {
  MLTK_VISIT(sample_rate_hz);
  MLTK_VISIT(sample_length_ms);
  MLTK_VISIT(window_size_ms);
  MLTK_VISIT(window_step_ms);
  MLTK_VISIT(sample_scale);
  MLTK_VISIT(pre_emphasis);
  MLTK_VISIT(remove_mean);
  MLTK_VISIT(window_function);
  MLTK_VISIT(window_periodic);
  MLTK_VISIT(power);
  MLTK_VISIT(filterbank_scale);
  MLTK_VISIT(filterbank_triangles);
  MLTK_VISIT(filterbank_normalize);
  MLTK_VISIT(filterbank_n_channels);
  MLTK_VISIT(filterbank_lower_band_limit);
  MLTK_VISIT(filterbank_upper_band_limit);
  MLTK_VISIT(log);
  MLTK_VISIT(log_floor);
  MLTK_VISIT(mfcc_count);
  MLTK_VISIT(mfcc_first);
  MLTK_VISIT(cascade);
  MLTK_VISIT(cascade_slide);
  MLTK_VISIT(mean);
  MLTK_VISIT(std);
  MLTK_VISIT(means);
  MLTK_VISIT(stds);
  MLTK_VISIT(scale_minimum);
  MLTK_VISIT(scale_maximum);
}

#undef MLTK_VISIT

}  // namespace mltk
