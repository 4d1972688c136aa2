#include "tables.hpp"

namespace mltk {
namespace {

// Written so that NaN is outside every range.
bool within(double value, double low, double high) { return value >= low && value <= high; }

int32_t to_samples(int32_t ms, int32_t rate) { return static_cast<int32_t>(int64_t{ms} * rate / 1000); }

FrontendStatus check_timing(const FrontendSettings& s, FrontendShape* shape) {
  if (!within(s.sample_rate_hz, 1000, 192000)) return FrontendStatus::kSampleRate;
  if (!within(s.sample_length_ms, 1, 3600000) || !within(s.window_size_ms, 1, s.sample_length_ms)) {
    return FrontendStatus::kWindow;
  }
  if (int64_t{s.sample_length_ms} * s.sample_rate_hz / 1000 > INT32_MAX) return FrontendStatus::kWindow;
  shape->clip = to_samples(s.sample_length_ms, s.sample_rate_hz);
  shape->window = to_samples(s.window_size_ms, s.sample_rate_hz);
  if (!within(shape->window, 16, 8192)) return FrontendStatus::kWindow;
  if (!within(s.window_step_ms, 1, s.window_size_ms)) return FrontendStatus::kStep;
  shape->step = to_samples(s.window_step_ms, s.sample_rate_hz);
  shape->columns = (shape->clip - shape->window) / shape->step + 1;
  shape->fft_length = 16;
  while (shape->fft_length < shape->window) shape->fft_length *= 2;
  return FrontendStatus::kOk;
}

FrontendStatus check_bands(const FrontendSettings& s, FrontendShape* shape) {
  const double low = s.filterbank_lower_band_limit, high = s.filterbank_upper_band_limit;
  if (!(low >= 0 && high > low && high <= s.sample_rate_hz / 2.0)) return FrontendStatus::kBandLimits;
  // A band spans two spacings of centres, so with more bands than this most would hold no bin at all.
  const double bins = (high - low) * shape->fft_length / s.sample_rate_hz;
  if (!within(s.filterbank_n_channels, 1, 512) || s.filterbank_n_channels > 2 * bins) {
    return FrontendStatus::kChannels;
  }
  shape->channels = s.filterbank_n_channels;
  return FrontendStatus::kOk;
}

FrontendStatus check_gains(const FrontendSettings& s, const FrontendShape& shape) {
  if (!within(s.noise_reduction_smoothing_bits, 0, 16) || !within(s.noise_reduction_even_smoothing, 0, 1) ||
      !within(s.noise_reduction_odd_smoothing, 0, 1) ||
      !within(s.noise_reduction_min_signal_remaining, 0, 1)) {
    return FrontendStatus::kNoiseReduction;
  }
  if (s.pcan_enable) {
    const int correction = bit_length(shape.fft_length) - 1 - kFilterBits / 2;
    const bool fits = s.noise_reduction_smoothing_bits >= correction && within(s.pcan_gain_bits, 1, 31) &&
                      s.pcan_gain_bits >= correction + kPcanSnrBits;
    if (!s.noise_reduction_enable || !fits || !within(s.pcan_strength, 0, 10) ||
        !within(s.pcan_offset, 1e-3, 1e6)) {
      return FrontendStatus::kPcan;
    }
  }
  return within(s.log_scale_shift, 0, 11) ? FrontendStatus::kOk : FrontendStatus::kLogScale;
}

FrontendStatus check_extras(const FrontendSettings& s) {
  if (!within(s.activity_detection_alpha_a, 0, 1) || !within(s.activity_detection_alpha_b, 0, 1) ||
      !within(s.activity_detection_arm_threshold, 0, 7.99) ||
      !within(s.activity_detection_trip_threshold, 0, 7.99)) {
    return FrontendStatus::kActivity;
  }
  if (!(s.dc_notch_filter_coefficient >= 0 && s.dc_notch_filter_coefficient < 1))
    return FrontendStatus::kNotch;
  return within(s.quantize_dynamic_scale_range_db, 1, 200) ? FrontendStatus::kOk : FrontendStatus::kQuantise;
}

}  // namespace

FrontendStatus check(const FrontendSettings& settings, FrontendShape* shape) {
  *shape = {};
  FrontendStatus status = check_timing(settings, shape);
  if (status == FrontendStatus::kOk) status = check_bands(settings, shape);
  if (status == FrontendStatus::kOk) status = check_gains(settings, *shape);
  if (status == FrontendStatus::kOk) status = check_extras(settings);
  return status;
}

const char* describe(FrontendStatus status) {
  switch (status) {
    case FrontendStatus::kOk:
      return "no error";
    case FrontendStatus::kSampleRate:
      return "sample rate must be 1000 to 192000 Hz";
    case FrontendStatus::kWindow:
      return "window must be 16 to 8192 samples and no longer than the clip";
    case FrontendStatus::kStep:
      return "step must be at least 1 ms and no longer than the window";
    case FrontendStatus::kChannels:
      return "bands must be 1 to 512 and at most two for each FFT bin between the limits";
    case FrontendStatus::kBandLimits:
      return "band limits must be 0 <= lower < upper <= half the sample rate";
    case FrontendStatus::kNoiseReduction:
      return "noise reduction: bits must be 0 to 16, coefficients 0 to 1";
    case FrontendStatus::kPcan:
      return "PCAN needs noise reduction and gain bits that fit the FFT length";
    case FrontendStatus::kLogScale:
      return "log scale shift must be 0 to 11";
    case FrontendStatus::kActivity:
      return "activity detection: alphas must be 0 to 1, thresholds 0 to 7.99";
    case FrontendStatus::kNotch:
      return "DC notch coefficient must be at least 0 and below 1";
    case FrontendStatus::kQuantise:
      return "dynamic scale range must be 1 to 200 dB";
    case FrontendStatus::kMemory:
      return "memory block too small or not aligned";
  }
  return "unknown status";
}

}  // namespace mltk
