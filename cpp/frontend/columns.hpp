// The stages after the filter bank, over one column of bands. Included by each source file that is compiled
// for an instruction set of its own: everything has internal linkage, so that the linker never mixes the
// copies.
#pragma once

#include "kernels.hpp"
#include "stages.hpp"

namespace mltk {
namespace {

inline int64_t smooth(int64_t previous, int64_t input, int32_t alpha) {
  const int64_t sum = ((1 << kActivityBits) - alpha) * input + alpha * previous;
  return ((sum >> (kActivityBits - 1)) + 1) >> 1;
}

// Armed when the fast average of the level falls below the slow one, tripped when it rises again.
inline void detect_activity(const FrontendTables& t, Activity& a, const uint32_t* bands) {
  uint64_t sum = 0;
  for (int i = 0; i < t.shape.channels; ++i) sum += bands[i];
  const auto level = static_cast<int64_t>(sum >> t.activity_shift);
  a.fast = smooth(a.fast, level, t.alpha_a);
  a.slow = smooth(a.slow, level, t.alpha_b);
  if (!a.armed) {
    a.armed = a.fast < (a.slow * t.arm) >> kThresholdBits;
  } else if (a.fast > (a.slow * t.trip) >> kThresholdBits) {
    a.armed = false;
    a.tripped = true;
  }
}

inline void reduce_noise(const FrontendTables& t, uint32_t* __restrict estimates,
                         uint32_t* __restrict bands) {
  const uint32_t* __restrict smoothing = t.smoothing;
  const uint32_t min_signal = t.min_signal;
  const int bits = t.smoothing_bits, channels = t.shape.channels;
  for (int i = 0; i < channels; ++i) {
    const uint32_t band = bands[i];
    const uint32_t level = band << bits;
    const uint32_t keep = (uint32_t{1} << kNoiseBits) - smoothing[i];
    const auto estimate =
        static_cast<uint32_t>((product16(level, smoothing[i]) + product16(estimates[i], keep)) >> kNoiseBits);
    estimates[i] = estimate;
    const uint32_t noise = estimate < level ? estimate : level;
    const auto least = static_cast<uint32_t>((product16(band, min_signal)) >> kNoiseBits);
    const uint32_t clean = (level - noise) >> bits;
    bands[i] = clean > least ? clean : least;
  }
}

inline uint32_t noise_gain(const FrontendTables& t, uint32_t noise) {
  if (noise < 2) return static_cast<uint32_t>(int32_t{noise == 0 ? t.gain_at_zero : t.gain_at_one});
  const int bits = bit_length(noise);
  const GainSegment& segment = t.gain[bits];
  const int32_t x = (bits < 11 ? noise << (11 - bits) : noise >> (bits - 11)) & 0x3FF;
  const auto linear = static_cast<uint32_t>(int32_t{segment.slope}) << 5;
  const uint32_t rise = (linear + static_cast<uint32_t>((segment.curve * x) >> 5)) * static_cast<uint32_t>(x);
  const int32_t rounded = static_cast<int32_t>(rise + (1u << 14)) >> 15;
  return static_cast<uint32_t>(int32_t{static_cast<int16_t>(rounded + segment.level)});
}

// Per-channel amplitude normalisation: the gain falls with the noise estimate, then small values are squared.
inline void normalise(const FrontendTables& t, const uint32_t* estimates, uint32_t* bands) {
  for (int i = 0; i < t.shape.channels; ++i) {
    const auto snr = static_cast<uint32_t>((uint64_t{bands[i]} * noise_gain(t, estimates[i])) >> t.snr_shift);
    bands[i] = snr < (2u << kPcanSnrBits)
                   ? (snr * snr) >> (2 + 2 * kPcanSnrBits - kPcanOutputBits)
                   : (snr >> (kPcanSnrBits - kPcanOutputBits)) - (1u << kPcanOutputBits);
  }
}

inline void scale_back(const FrontendTables& t, uint32_t* bands) {
  const int bits = t.correction_bits, channels = t.shape.channels;
  for (int i = 0; i < channels; ++i) bands[i] = bits < 0 ? bands[i] >> -bits : bands[i] << bits;
}

inline uint16_t saturate16(uint32_t value) { return static_cast<uint16_t>(value < 65535 ? value : 65535); }

inline uint32_t log_of(const FrontendTables& t, uint32_t value) {
  if (value < 2) return 0;
  const int whole = bit_length(value) - 1;
  const uint32_t fraction = (value << (31 - whole) << 1) >> 16;
  const int32_t segment = t.log_segments[fraction >> (kLogBits - kLogSegmentBits)];
  const int32_t within = fraction & ((1 << (kLogBits - kLogSegmentBits)) - 1);
  // The interpolation shifts by 16 where the segment's length would ask for 9; models were trained with that.
  const uint32_t bits = fraction + (segment & 0xFFFF) + (((segment >> 16) * within) >> kLogBits);
  // ln 2 * (whole + bits / 2^16), in two parts that fit 32 bits.
  const uint32_t full = static_cast<uint32_t>(whole) + (bits >> kLogBits);
  const uint32_t natural = kLn2 * full + ((kLn2 * (bits & 0xFFFF) + (1u << 15)) >> kLogBits);
  return ((natural << t.log_shift) + (1u << 15)) >> kLogBits;
}

/// From the filter bank's bands (overwritten) to one output column.
inline void finish_column(const FrontendTables& t, Levels& levels, uint32_t* bands, uint16_t* column) {
  if (t.activity) detect_activity(t, levels.activity, bands);
  stage_done(Stage::kActivity);
  if (t.noise_reduction) reduce_noise(t, levels.noise, bands);
  stage_done(Stage::kNoiseReduction);
  if (t.pcan) normalise(t, levels.noise, bands);
  stage_done(Stage::kPcan);
  if (t.log) {
    scale_back(t, bands);
    for (int i = 0; i < t.shape.channels; ++i) column[i] = saturate16(log_of(t, bands[i]));
  } else {
    for (int i = 0; i < t.shape.channels; ++i) column[i] = saturate16(bands[i]);
  }
  stage_done(Stage::kLog);
}

struct DynamicScale {
  int32_t floor;  ///< maps to -128
  int32_t span;   ///< values from the floor to the loudest, at least 1
};

inline DynamicScale dynamic_scale(const FrontendTables& t, const uint16_t* values, size_t count) {
  uint16_t loudest = 0;
  for (size_t i = 0; i < count; ++i) loudest = values[i] > loudest ? values[i] : loudest;
  const int32_t floor = loudest > t.dynamic_range ? loudest - t.dynamic_range : 0;
  return {floor, loudest > floor ? loudest - floor : 1};
}

// The scale of TensorFlow Lite Micro's micro_speech example: 0..666 onto -128..127.
inline void quantise_static(const uint16_t* values, size_t count, int8_t* out) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t q = (256u * values[i] + 333u) / 666u;
    out[i] = static_cast<int8_t>(static_cast<int32_t>(q < 255 ? q : 255) - 128);
  }
}

}  // namespace
}  // namespace mltk
