// Builds the tables. Filter weights and window coefficients are rounded from floating point, where each bit
// shows in the output: the types (float or double) of every step below are part of the definition.
#include "tables.hpp"

#include <string.h>

#include "maths.hpp"

namespace mltk {
namespace {

// The arrays of a FrontendTables while they are being filled.
struct Arrays {
  int16_t* window;
  uint16_t* order;
  Twiddle *twiddles, *split_twiddles;
  uint16_t* segment_ends;
  int16_t *weights, *unweights;
  uint32_t* smoothing;
};

Arrays lay_out(Arena& arena, const FrontendShape& shape) {
  const size_t half = shape.fft_length / 2, channels = shape.channels;
  Arrays a;
  a.window = arena.take<int16_t>(shape.window);
  a.order = arena.take<uint16_t>(half);
  a.twiddles = arena.take<Twiddle>(half);
  a.split_twiddles = arena.take<Twiddle>(half / 2);
  a.segment_ends = arena.take<uint16_t>(channels + 1);
  a.weights = arena.take<int16_t>(half + 1);
  a.unweights = arena.take<int16_t>(half + 1);
  a.smoothing = arena.take<uint32_t>(channels);
  return a;
}

void refer_to(const Arrays& a, FrontendTables& t) {
  t.window = a.window;
  t.order = a.order;
  t.twiddles = a.twiddles;
  t.split_twiddles = a.split_twiddles;
  t.segment_ends = a.segment_ends;
  t.weights = a.weights;
  t.unweights = a.unweights;
  t.smoothing = a.smoothing;
}

void fill_window(const FrontendShape& shape, const Arrays& a) {
  const auto step = static_cast<float>(kPi * 2.0 / static_cast<float>(shape.window));
  for (int i = 0; i < shape.window; ++i) {
    // The cosine of a float, rounded to float: for 480 samples one coefficient depends on it.
    const auto swing = static_cast<float>(cosine(static_cast<double>(static_cast<float>(step * (i + 0.5)))));
    const auto value = static_cast<float>(0.5 - 0.5 * swing);
    a.window[i] = static_cast<int16_t>(floor_of(value * (1 << kWindowBits) + 0.5));
  }
}

Twiddle twiddle(double phase) {
  const auto re = static_cast<int16_t>(floor_of(0.5 + 32767 * cosine(phase)));
  const auto im = static_cast<int16_t>(floor_of(0.5 + 32767 * sine(phase)));
  return {re, static_cast<int16_t>(-im), im, re};
}

void fill_fft(int half, const Arrays& a) {
  for (int i = 0; i < half; ++i) a.twiddles[i] = twiddle(-2 * kPi * i / half);
  for (int i = 0; i < half / 2; ++i) {
    a.split_twiddles[i] = twiddle(-kPi * (static_cast<double>(i + 1) / half + 0.5));
  }
  fill_fft_order(half, a.order);
}

float mel(float hz) { return static_cast<float>(1127.0 * logarithm_of_one_plus(hz / 700.0)); }

void fill_filters(const FrontendSettings& s, const Arrays& a, FrontendTables& t) {
  const int bins = t.half + 1, segments = t.shape.channels + 1;
  const float low = mel(s.filterbank_lower_band_limit), high = mel(s.filterbank_upper_band_limit);
  const float span = high - low;
  const float spacing = span / static_cast<float>(segments);
  const auto hz_per_bin = static_cast<float>(0.5 * s.sample_rate_hz / (static_cast<float>(bins) - 1));
  t.first_bin = static_cast<int32_t>(1.5 + s.filterbank_lower_band_limit / hz_per_bin);
  memset(a.weights, 0, bins * sizeof(int16_t));
  memset(a.unweights, 0, bins * sizeof(int16_t));
  int bin = t.first_bin;
  float previous = low;
  for (int segment = 0; segment < segments; ++segment) {
    const float centre = low + spacing * (segment + 1);
    for (; bin < bins && mel(bin * hz_per_bin) <= centre; ++bin) {
      const float weight = (centre - mel(bin * hz_per_bin)) / (centre - previous);
      a.weights[bin] = static_cast<int16_t>(floor_of(weight * (1 << kFilterBits) + 0.5));
      a.unweights[bin] = static_cast<int16_t>(floor_of((1.0 - weight) * (1 << kFilterBits) + 0.5));
    }
    a.segment_ends[segment] = static_cast<uint16_t>(bin);
    previous = centre;
  }
}

uint32_t fixed(float value, int bits) { return static_cast<uint32_t>(value * (1 << bits)); }

void fill_noise_reduction(const FrontendSettings& s, const Arrays& a, FrontendTables& t) {
  t.noise_reduction = s.noise_reduction_enable;
  t.smoothing_bits = s.noise_reduction_smoothing_bits;
  t.min_signal = fixed(s.noise_reduction_min_signal_remaining, kNoiseBits);
  for (int i = 0; i < t.shape.channels; ++i) {
    a.smoothing[i] =
        fixed(i % 2 == 0 ? s.noise_reduction_even_smoothing : s.noise_reduction_odd_smoothing, kNoiseBits);
  }
}

int16_t gain_at(const FrontendSettings& s, int input_bits, uint32_t noise) {
  const float level = static_cast<float>(noise) / static_cast<float>(uint32_t{1} << input_bits);
  const float gain = static_cast<float>(uint32_t{1} << s.pcan_gain_bits) *
                     static_cast<float>(power(level + s.pcan_offset, -s.pcan_strength));
  return gain > 32767.0f ? INT16_MAX : static_cast<int16_t>(gain + 0.5f);
}

void fill_pcan(const FrontendSettings& s, FrontendTables& t) {
  t.pcan = s.pcan_enable;
  if (!t.pcan) return;
  const int input_bits = s.noise_reduction_smoothing_bits - t.correction_bits;
  t.snr_shift = s.pcan_gain_bits - t.correction_bits - kPcanSnrBits;
  t.gain_at_zero = gain_at(s, input_bits, 0);
  t.gain_at_one = gain_at(s, input_bits, 1);
  for (int bits = 2; bits < kPcanIntervals; ++bits) {
    const uint32_t start = uint32_t{1} << (bits - 1);
    const uint32_t end = bits == 32 ? UINT32_MAX : 2 * start;
    const int32_t level = gain_at(s, input_bits, start);
    const int32_t middle = gain_at(s, input_bits, start + start / 2) - level;
    const int32_t rise = gain_at(s, input_bits, end) - level;
    const int32_t slope = 4 * middle - rise;
    t.gain[bits] = {static_cast<int16_t>(level), static_cast<int16_t>(slope),
                    static_cast<int16_t>(rise - slope)};
  }
}

// log2(1 + x) - x on a grid, in Q16: what must be added to the fraction of a number to make it a logarithm.
int32_t log_offset(int segment) {
  const double x = static_cast<double>(segment) / (1 << kLogSegmentBits);
  return static_cast<int32_t>(floor_of((1 << kLogBits) * (logarithm(1 + x) / logarithm(2) - x) + 0.5));
}

void fill_log(const FrontendSettings& s, FrontendTables& t) {
  t.log = s.log_scale_enable;
  t.log_shift = s.log_scale_shift;
  for (int i = 0; i < 1 << kLogSegmentBits; ++i) {
    const int32_t rise = log_offset(i + 1) - log_offset(i);
    t.log_segments[i] = rise * (1 << 16) + log_offset(i);
  }
}

void fill_extras(const FrontendSettings& s, FrontendTables& t) {
  t.notch = s.dc_notch_filter_enable;
  t.notch_coefficient = static_cast<int16_t>(fixed(s.dc_notch_filter_coefficient, 15));
  t.activity = s.activity_detection_enable;
  t.alpha_a = fixed(s.activity_detection_alpha_a, kActivityBits);
  t.alpha_b = fixed(s.activity_detection_alpha_b, kActivityBits);
  t.arm = fixed(s.activity_detection_arm_threshold, kThresholdBits);
  t.trip = fixed(s.activity_detection_trip_threshold, kThresholdBits);
  t.activity_shift = bit_length(t.shape.channels - 1);  // ceil(log2(channels))
  t.dynamic_scale = s.quantize_dynamic_scale_enable;
  // One unit of the log scale is 2^-shift nepers of amplitude; 20 dB are ln 10 nepers.
  t.dynamic_range = static_cast<int32_t>(s.quantize_dynamic_scale_range_db * (1 << s.log_scale_shift) *
                                         logarithm(10.0) / 20.0);
}

}  // namespace

void fill_fft_order(int half, uint16_t* order) {
  for (int position = 0; position < half; ++position) {
    int rest = position, length = half, stride = 1, source = 0;
    while (length > 1) {
      const int radix = length % 4 == 0 ? 4 : 2;
      length /= radix;
      source += rest / length * stride;
      rest %= length;
      stride *= radix;
    }
    order[source] = static_cast<uint16_t>(position);
  }
}

size_t tables_bytes(const FrontendSettings& settings) {
  FrontendShape shape;
  if (check(settings, &shape) != FrontendStatus::kOk) return 0;
  Arena arena(nullptr);
  arena.take<FrontendTables>(1);
  lay_out(arena, shape);
  return arena.used();
}

FrontendStatus build_tables(const FrontendSettings& settings, void* block, size_t bytes,
                            const FrontendTables** tables) {
  *tables = nullptr;
  FrontendShape shape;
  const FrontendStatus status = check(settings, &shape);
  if (status != FrontendStatus::kOk) return status;
  if (!block_fits(block, bytes, tables_bytes(settings))) return FrontendStatus::kMemory;
  Arena arena(block);
  FrontendTables& t = *arena.take<FrontendTables>(1);
  memset(&t, 0, sizeof(t));
  t.shape = shape;
  t.half = shape.fft_length / 2;
  const Arrays arrays = lay_out(arena, shape);
  refer_to(arrays, t);
  t.correction_bits = bit_length(shape.fft_length) - 1 - kFilterBits / 2;
  fill_window(shape, arrays);
  fill_fft(t.half, arrays);
  fill_filters(settings, arrays, t);
  fill_noise_reduction(settings, arrays, t);
  fill_pcan(settings, t);
  fill_log(settings, t);
  fill_extras(settings, t);
  *tables = &t;
  return FrontendStatus::kOk;
}

const FrontendShape& shape_of(const FrontendTables& tables) { return tables.shape; }

}  // namespace mltk
