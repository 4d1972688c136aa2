// The stages of columns.hpp over a set of frames, eight bands side by side; the same numbers. Only avx2.cpp
// includes it.
#pragma once

#include <immintrin.h>
#include <string.h>

#include "columns.hpp"

namespace mltk {
namespace {

constexpr int kLanes = 16;     // frames of a set
constexpr int kBandLanes = 8;  // bands side by side

/// Where a set of bands keeps a frame: the even frames come first.
inline int place_of(int frame) { return frame % 2 * (kLanes / 2) + frame / 2; }

/// Rows of 8 values, `stride` apart, to columns.
inline void transpose(const uint32_t* rows, size_t stride, __m256i* columns) {
  __m256i r[8], a[8], b[8];
  for (int i = 0; i < 8; ++i) r[i] = _mm256_load_si256(reinterpret_cast<const __m256i*>(rows + i * stride));
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
    a[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
    b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
    b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
    b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    columns[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
    columns[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
  }
}

/// Products of 32-bit lanes, in 64 bits.
struct Wide {
  __m256i even, odd;
};

inline Wide product(__m256i a, __m256i b) {
  return {_mm256_mul_epu32(a, b), _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32))};
}

inline Wide operator+(const Wide& a, const Wide& b) {
  return {_mm256_add_epi64(a.even, b.even), _mm256_add_epi64(a.odd, b.odd)};
}

/// The low 32 bits of each number divided by 2^bits.
inline __m256i shifted(const Wide& a, int bits) {
  const __m128i count = _mm_cvtsi32_si128(bits);
  const __m256i odd = _mm256_slli_epi64(_mm256_srl_epi64(a.odd, count), 32);
  return _mm256_blend_epi32(_mm256_srl_epi64(a.even, count), odd, 0xAA);
}

/// bit_length(value) - 1, for values from 1.
inline __m256i highest_bit(__m256i value) {
  // The exponent of a float is the place of the highest bit; clearing the bit below it keeps rounding from
  // raising it. As integers have a sign, it tells values from 2^31.
  const __m256i top = _mm256_andnot_si256(_mm256_srli_epi32(value, 1), value);
  const __m256i bits = _mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(top)), 23);
  const __m256i exponent = _mm256_sub_epi32(bits, _mm256_set1_epi32(127));
  return _mm256_castps_si256(_mm256_blendv_ps(
      _mm256_castsi256_ps(exponent), _mm256_castsi256_ps(_mm256_set1_epi32(31)), _mm256_castsi256_ps(value)));
}

/// Eight bands of reduce_noise.
inline __m256i without_noise(const FrontendTables& t, __m256i band, __m256i smoothing, __m256i& estimate) {
  const __m128i bits = _mm_cvtsi32_si128(t.smoothing_bits);
  const __m256i level = _mm256_sll_epi32(band, bits);
  const __m256i keep = _mm256_sub_epi32(_mm256_set1_epi32(1 << kNoiseBits), smoothing);
  estimate = shifted(product(level, smoothing) + product(estimate, keep), kNoiseBits);
  const __m256i noise = _mm256_min_epu32(estimate, level);
  const __m256i min_signal = _mm256_set1_epi32(static_cast<int32_t>(t.min_signal));
  const __m256i least = shifted(product(band, min_signal), kNoiseBits);
  return _mm256_max_epu32(_mm256_srl_epi32(_mm256_sub_epi32(level, noise), bits), least);
}

/// The PCAN gain curve with two fields of a segment in each lane; lane i of 32 is for noise of i + 1 bits.
struct GainTable {
  __m256i level_slope[4], slope_curve[4];
};

inline GainTable gain_table(const FrontendTables& t) {
  static_assert(sizeof(GainSegment) == 6, "three fields of 16 bits, taken two by two");
  GainTable table;
  const __m256i apart = _mm256_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21);  // segments, in fields
  for (int i = 0; i < 4; ++i) {
    const GainSegment& first = t.gain[1 + 8 * i];
    table.level_slope[i] = _mm256_i32gather_epi32(reinterpret_cast<const int*>(&first.level), apart, 2);
    table.slope_curve[i] = _mm256_i32gather_epi32(reinterpret_cast<const int*>(&first.slope), apart, 2);
  }
  return table;
}

/// Eight of 32 lanes; quicker than a gather.
inline __m256i lookup(const __m256i* table, __m256i index) {
  const auto from = [&](int i) { return _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(table[i], index)); };
  const __m256 bit3 = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28));
  const __m256 bit4 = _mm256_castsi256_ps(_mm256_slli_epi32(index, 27));
  return _mm256_castps_si256(_mm256_blendv_ps(_mm256_blendv_ps(from(0), from(1), bit3),
                                              _mm256_blendv_ps(from(2), from(3), bit3), bit4));
}

/// Eight of noise_gain.
inline __m256i noise_gains(const FrontendTables& t, const GainTable& table, __m256i noise) {
  const __m256i highest = highest_bit(noise);
  const __m256i level_slope = lookup(table.level_slope, highest);
  const __m256i slope = _mm256_srai_epi32(level_slope, 16);
  const __m256i curve = _mm256_srai_epi32(lookup(table.slope_curve, highest), 16);
  // Shifted to 11 bits; of the two counts the negative one, taken as unsigned, leaves nothing.
  const __m256i ten = _mm256_set1_epi32(10);
  const __m256i aligned = _mm256_or_si256(_mm256_sllv_epi32(noise, _mm256_sub_epi32(ten, highest)),
                                          _mm256_srlv_epi32(noise, _mm256_sub_epi32(highest, ten)));
  const __m256i x = _mm256_and_si256(aligned, _mm256_set1_epi32(0x3FF));
  const __m256i bend = _mm256_srai_epi32(_mm256_mullo_epi32(curve, x), 5);
  const __m256i rise = _mm256_mullo_epi32(_mm256_add_epi32(_mm256_slli_epi32(slope, 5), bend), x);
  const __m256i rounded = _mm256_srai_epi32(_mm256_add_epi32(rise, _mm256_set1_epi32(1 << 14)), 15);
  const __m256i gain = _mm256_srai_epi32(_mm256_slli_epi32(_mm256_add_epi32(rounded, level_slope), 16), 16);
  const __m256i is_zero = _mm256_cmpeq_epi32(noise, _mm256_setzero_si256());
  const __m256i is_one = _mm256_cmpeq_epi32(noise, _mm256_set1_epi32(1));
  return _mm256_blendv_epi8(_mm256_blendv_epi8(gain, _mm256_set1_epi32(t.gain_at_one), is_one),
                            _mm256_set1_epi32(t.gain_at_zero), is_zero);
}

/// Eight bands of normalise.
inline __m256i normalised(const FrontendTables& t, const GainTable& table, __m256i band, __m256i estimate) {
  const __m256i snr = shifted(product(band, noise_gains(t, table, estimate)), t.snr_shift);
  const __m256i square =
      _mm256_srli_epi32(_mm256_mullo_epi32(snr, snr), 2 + 2 * kPcanSnrBits - kPcanOutputBits);
  const __m256i linear = _mm256_sub_epi32(_mm256_srli_epi32(snr, kPcanSnrBits - kPcanOutputBits),
                                          _mm256_set1_epi32(1 << kPcanOutputBits));
  const __m256i small = _mm256_cmpeq_epi32(_mm256_srli_epi32(snr, kPcanSnrBits + 1), _mm256_setzero_si256());
  return _mm256_blendv_epi8(linear, square, small);
}

inline __m256i scaled_back(const FrontendTables& t, __m256i band) {
  const int bits = t.correction_bits;
  const __m256i halved = _mm256_srl_epi32(band, _mm_cvtsi32_si128(bits < 0 ? -bits : 0));
  return _mm256_sll_epi32(halved, _mm_cvtsi32_si128(bits > 0 ? bits : 0));
}

/// Eight of log_of.
inline __m256i logs(const FrontendTables& t, __m256i value) {
  const __m256i whole = highest_bit(value);
  const __m256i aligned = _mm256_sllv_epi32(value, _mm256_sub_epi32(_mm256_set1_epi32(32), whole));
  const __m256i fraction = _mm256_srli_epi32(aligned, 16);
  const __m256i segment =
      _mm256_i32gather_epi32(t.log_segments, _mm256_srli_epi32(fraction, kLogBits - kLogSegmentBits), 4);
  const __m256i within =
      _mm256_and_si256(fraction, _mm256_set1_epi32((1 << (kLogBits - kLogSegmentBits)) - 1));
  const __m256i low16 = _mm256_set1_epi32(0xFFFF);
  const __m256i bend =
      _mm256_srai_epi32(_mm256_mullo_epi32(_mm256_srai_epi32(segment, 16), within), kLogBits);
  const __m256i bits = _mm256_add_epi32(_mm256_add_epi32(fraction, _mm256_and_si256(segment, low16)), bend);
  const __m256i ln2 = _mm256_set1_epi32(kLn2), half = _mm256_set1_epi32(1 << 15);
  const __m256i full = _mm256_add_epi32(whole, _mm256_srli_epi32(bits, 16));
  const __m256i part = _mm256_srli_epi32(
      _mm256_add_epi32(_mm256_mullo_epi32(ln2, _mm256_and_si256(bits, low16)), half), kLogBits);
  const __m256i natural = _mm256_add_epi32(_mm256_mullo_epi32(ln2, full), part);
  const __m256i scaled = _mm256_srli_epi32(
      _mm256_add_epi32(_mm256_sll_epi32(natural, _mm_cvtsi32_si128(t.log_shift)), half), kLogBits);
  const __m256i none = _mm256_cmpeq_epi32(_mm256_srli_epi32(value, 1), _mm256_setzero_si256());
  return _mm256_andnot_si256(none, scaled);
}

inline void store_saturated(__m256i values, int width, uint16_t* out) {
  const __m256i cut = _mm256_min_epu32(values, _mm256_set1_epi32(65535));
  const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(cut), _mm256_extracti128_si256(cut, 1));
  if (width == kBandLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), packed);
  } else {
    memcpy(out, &packed, width * sizeof(uint16_t));
  }
}

/// From the filter bank's bands to `count` output columns. `across` has a row of kLanes for each band, up to
/// a whole number of kBandLanes rows, and in each row frame i at place_of(i).
void finish_columns(const FrontendTables& t, Levels& levels, const uint32_t* across, int count,
                    uint16_t* out) {
  const int channels = t.shape.channels;
  const GainTable table = gain_table(t);
  for (int first = 0; first < channels; first += kBandLanes) {
    const int width = channels - first < kBandLanes ? channels - first : kBandLanes;
    const __m256i present =
        _mm256_cmpgt_epi32(_mm256_set1_epi32(width), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    auto* noise = reinterpret_cast<int*>(levels.noise + first);
    const auto* coefficients = reinterpret_cast<const int*>(t.smoothing + first);
    const __m256i smoothing = _mm256_maskload_epi32(coefficients, present);
    __m256i estimate = _mm256_maskload_epi32(noise, present);
    __m256i frames[kLanes];
    transpose(across + first * kLanes, kLanes, frames);
    transpose(across + first * kLanes + kLanes / 2, kLanes, frames + kLanes / 2);
    for (int frame = 0; frame < count; ++frame) {
      __m256i band = frames[place_of(frame)];
      if (t.noise_reduction) band = without_noise(t, band, smoothing, estimate);
      if (t.pcan) band = normalised(t, table, band, estimate);
      if (t.log) band = logs(t, scaled_back(t, band));
      store_saturated(band, width, out + frame * channels + first);
    }
    _mm256_maskstore_epi32(noise, present, estimate);
  }
}

}  // namespace
}  // namespace mltk
