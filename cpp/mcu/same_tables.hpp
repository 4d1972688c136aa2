// Whether two blocks of tables hold the same numbers.
#pragma once

#include "tables.hpp"

namespace mltk {

template <class T>
bool same_values(const T* a, const T* b, size_t count) {
  const auto* left = reinterpret_cast<const unsigned char*>(a);
  const auto* right = reinterpret_cast<const unsigned char*>(b);
  for (size_t i = 0; i < count * sizeof(T); ++i) {
    if (left[i] != right[i]) return false;
  }
  return true;
}

inline bool same_arrays(const FrontendTables& a, const FrontendTables& b) {
  const size_t half = a.half, channels = a.shape.channels;
  return same_values(a.window, b.window, a.shape.window) && same_values(a.order, b.order, half) &&
         same_values(a.twiddles, b.twiddles, half) &&
         same_values(a.split_twiddles, b.split_twiddles, half / 2) &&
         same_values(a.segment_ends, b.segment_ends, channels + 1) &&
         same_values(a.weights, b.weights, half + 1) && same_values(a.unweights, b.unweights, half + 1) &&
         same_values(a.smoothing, b.smoothing, channels) && same_values(a.gain, b.gain, kPcanIntervals) &&
         same_values(a.log_segments, b.log_segments, 1 << kLogSegmentBits);
}

inline bool same(const FrontendTables& a, const FrontendTables& b) {
  return same_values(&a.shape, &b.shape, 1) && a.half == b.half && same_arrays(a, b) &&
         a.first_bin == b.first_bin && a.notch == b.notch && a.activity == b.activity &&
         a.noise_reduction == b.noise_reduction && a.pcan == b.pcan && a.log == b.log &&
         a.dynamic_scale == b.dynamic_scale && a.notch_coefficient == b.notch_coefficient &&
         a.alpha_a == b.alpha_a && a.alpha_b == b.alpha_b && a.arm == b.arm && a.trip == b.trip &&
         a.activity_shift == b.activity_shift && a.smoothing_bits == b.smoothing_bits &&
         a.min_signal == b.min_signal && a.snr_shift == b.snr_shift && a.gain_at_zero == b.gain_at_zero &&
         a.gain_at_one == b.gain_at_one && a.correction_bits == b.correction_bits &&
         a.log_shift == b.log_shift && a.dynamic_range == b.dynamic_range;
}

}  // namespace mltk
