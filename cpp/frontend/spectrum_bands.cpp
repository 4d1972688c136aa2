// The two mel scales. HTK: 2595 log10(1 + f / 700) (HTK Book, 5.4). Slaney: linear up to 1 kHz in steps of
// 200 / 3 Hz, then 27 steps for each factor of 6.4 (Auditory Toolbox, Interval Technical Report 1998-010).
#include "maths.hpp"
#include "spectrum_tables.hpp"

namespace mltk {
namespace {

constexpr double kHtkMels = 2595.0 / 2.302585092994045684;  // by ln instead of log10
constexpr double kHtkHz = 700.0;
constexpr double kLinearHz = 200.0 / 3;
constexpr double kBreakHz = 1000.0, kBreakMels = 15.0;
constexpr double kLogStep = 1.856297990365626 / 27;  // ln 6.4 / 27

double to_mels(double hz, bool htk) {
  if (htk) return kHtkMels * logarithm(1 + hz / kHtkHz);
  return hz < kBreakHz ? hz / kLinearHz : kBreakMels + logarithm(hz / kBreakHz) / kLogStep;
}

double to_hz(double mels, bool htk) {
  if (htk) return kHtkHz * (exponential(mels / kHtkMels) - 1);
  return mels < kBreakMels ? mels * kLinearHz : kBreakHz * exponential(kLogStep * (mels - kBreakMels));
}

}  // namespace

double BandEdges::mels(double hz) const { return to_mels(hz, htk_); }

BandEdges::BandEdges(const SpectrumSettings& s)
    : htk_(s.filterbank_scale == FilterbankScale::kHtk),
      last_(s.filterbank_n_channels + 1),
      low_hz_(s.filterbank_lower_band_limit),
      high_hz_(s.filterbank_upper_band_limit),
      low_(to_mels(low_hz_, htk_)),
      spacing_((to_mels(high_hz_, htk_) - low_) / last_) {}

double BandEdges::operator[](int32_t i) const {
  if (i == 0) return low_hz_;
  return i == last_ ? high_hz_ : to_hz(low_ + i * spacing_, htk_);
}

Band bins_between(double low, double high) {
  const double first = floor_of(low + kNearBin) + 1, end = -floor_of(-(high - kNearBin));
  return {static_cast<int32_t>(first), static_cast<int32_t>(end > first ? end : first), 0};
}

int32_t first_bin(const SpectrumSettings& s, const SpectrumShape& shape) {
  const double low = s.filterbank_lower_band_limit * static_cast<double>(shape.fft_length) / s.sample_rate_hz;
  return static_cast<int32_t>(-floor_of(-(low - kNearBin)));
}

}  // namespace mltk
