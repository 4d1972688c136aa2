#include "maths.hpp"
#include "spectrum_tables.hpp"

namespace mltk {
namespace {

// Written so that NaN is outside every range.
bool within(double value, double low, double high) { return value >= low && value <= high; }

int32_t to_samples(int32_t ms, int32_t rate) { return static_cast<int32_t>(int64_t{ms} * rate / 1000); }

SpectrumStatus check_timing(const SpectrumSettings& s, SpectrumShape* shape) {
  if (!within(s.sample_rate_hz, 1000, 192000)) return SpectrumStatus::kSampleRate;
  if (!within(s.sample_length_ms, 1, 3600000) || !within(s.window_size_ms, 1, s.sample_length_ms)) {
    return SpectrumStatus::kWindow;
  }
  if (int64_t{s.sample_length_ms} * s.sample_rate_hz / 1000 > INT32_MAX) return SpectrumStatus::kWindow;
  shape->clip = to_samples(s.sample_length_ms, s.sample_rate_hz);
  shape->frame = to_samples(s.window_size_ms, s.sample_rate_hz);
  if (!within(shape->frame, 16, 8192)) return SpectrumStatus::kWindow;
  if (!within(s.window_step_ms, 1, s.window_size_ms)) return SpectrumStatus::kStep;
  shape->hop = to_samples(s.window_step_ms, s.sample_rate_hz);
  shape->fft_length = 16;
  while (shape->fft_length < shape->frame) shape->fft_length *= 2;
  return SpectrumStatus::kOk;
}

bool known_choices(const SpectrumSettings& s) {
  return s.sample_scale <= SampleScale::kInt16 && s.window_function <= WindowFunction::kHamming &&
         s.filterbank_scale <= FilterbankScale::kLinear &&
         s.filterbank_triangles <= FilterbankTriangles::kMel && s.log <= SpectrumLog::kDb &&
         (s.power == 1 || s.power == 2);
}

bool bands_hold_bins(const SpectrumSettings& s, const SpectrumShape& shape) {
  const double bins_per_hz = static_cast<double>(shape.fft_length) / s.sample_rate_hz;
  if (s.filterbank_scale == FilterbankScale::kLinear) {
    const int32_t last = first_bin(s, shape) + s.filterbank_n_channels - 1;
    return last <= s.filterbank_upper_band_limit * bins_per_hz + kNearBin;
  }
  const BandEdges edges(s);
  for (int32_t i = 0; i < s.filterbank_n_channels; ++i) {
    const Band band = bins_between(edges[i] * bins_per_hz, edges[i + 2] * bins_per_hz);
    if (band.first >= band.end) return false;
  }
  return true;
}

SpectrumStatus check_bands(const SpectrumSettings& s, const SpectrumShape& shape) {
  const double low = s.filterbank_lower_band_limit, high = s.filterbank_upper_band_limit;
  if (!(low >= 0 && high > low && high <= s.sample_rate_hz / 2.0)) return SpectrumStatus::kBandLimits;
  const bool linear = s.filterbank_scale == FilterbankScale::kLinear;
  if (!within(s.filterbank_n_channels, 1, linear ? kMostBins : 512) || !bands_hold_bins(s, shape)) {
    return SpectrumStatus::kChannels;
  }
  return within(s.log_floor, 1e-30f, 1e10f) ? SpectrumStatus::kOk : SpectrumStatus::kLog;
}

SpectrumStatus check_column(const SpectrumSettings& s, SpectrumShape* shape) {
  const int32_t bands = s.filterbank_n_channels;
  if (!within(s.mfcc_count, 0, 512) || !within(s.mfcc_first, 0, 511)) return SpectrumStatus::kCepstrum;
  if (s.mfcc_count > 0 && (bands > 512 || s.mfcc_first + s.mfcc_count > bands)) {
    return SpectrumStatus::kCepstrum;
  }
  shape->features = s.mfcc_count > 0 ? s.mfcc_count : bands;
  if (!within(s.cascade, 1, 256) || s.cascade * shape->features > 65536) return SpectrumStatus::kCascade;
  shape->channels = s.cascade * shape->features;
  shape->window = shape->frame + (s.cascade - 1) * shape->hop;
  shape->step = s.cascade_slide ? shape->hop : s.cascade * shape->hop;
  if (shape->window > shape->clip) return SpectrumStatus::kWindow;
  shape->columns = (shape->clip - shape->window) / shape->step + 1;
  return SpectrumStatus::kOk;
}

// None, or one for each value of a frame.
bool all_within(const FeatureValues& each, int32_t features, double low, double high) {
  if (each.count != 0 && (each.count != features || each.values == nullptr)) return false;
  for (int32_t i = 0; i < each.count; ++i) {
    if (!within(each.values[i], low, high)) return false;
  }
  return true;
}

SpectrumStatus check_scale(const SpectrumSettings& s, int32_t features) {
  const bool fits = within(s.mean, -1e9, 1e9) && within(s.std, 1e-3f, 1e9) &&
                    all_within(s.means, features, -1e9, 1e9) && all_within(s.stds, features, 1e-3f, 1e9) &&
                    within(s.scale_minimum, -1e9, 1e9) && within(s.scale_maximum, -1e9, 1e9) &&
                    s.scale_maximum - s.scale_minimum >= 1e-6f;
  return fits ? SpectrumStatus::kOk : SpectrumStatus::kScale;
}

}  // namespace

SpectrumStatus check(const SpectrumSettings& settings, SpectrumShape* shape) {
  *shape = {};
  SpectrumStatus status = check_timing(settings, shape);
  if (status == SpectrumStatus::kOk && !within(settings.pre_emphasis, 0, 1))
    status = SpectrumStatus::kEmphasis;
  if (status == SpectrumStatus::kOk && !known_choices(settings)) status = SpectrumStatus::kChoice;
  if (status == SpectrumStatus::kOk) status = check_bands(settings, *shape);
  if (status == SpectrumStatus::kOk) status = check_column(settings, shape);
  if (status == SpectrumStatus::kOk) status = check_scale(settings, shape->features);
  return status;
}

const char* describe(SpectrumStatus status) {
  switch (status) {
    case SpectrumStatus::kOk:
      return "no error";
    case SpectrumStatus::kSampleRate:
      return "sample rate must be 1000 to 192000 Hz";
    case SpectrumStatus::kWindow:
      return "frames must be 16 to 8192 samples, and a column no longer than the clip";
    case SpectrumStatus::kStep:
      return "step must be at least 1 ms and no longer than the window";
    case SpectrumStatus::kEmphasis:
      return "pre-emphasis must be 0 to 1";
    case SpectrumStatus::kChoice:
      return "a choice is none of those listed";
    case SpectrumStatus::kBandLimits:
      return "band limits must be 0 <= lower < upper <= half the sample rate";
    case SpectrumStatus::kChannels:
      return "bands must be at least 1, and each must hold an FFT bin between the limits";
    case SpectrumStatus::kLog:
      return "log floor must be 1e-30 to 1e10";
    case SpectrumStatus::kCepstrum:
      return "MFCC: first and count together must be at most the bands, of which there may be 512";
    case SpectrumStatus::kCascade:
      return "cascade must be 1 to 256 frames and at most 65536 values";
    case SpectrumStatus::kScale:
      return "means and scale must be -1e9 to 1e9, stds 1e-3 to 1e9, one for all values of a frame or for "
             "each, minimum below maximum";
    case SpectrumStatus::kMemory:
      return "memory block too small or not aligned";
  }
  return "unknown status";
}

}  // namespace mltk
