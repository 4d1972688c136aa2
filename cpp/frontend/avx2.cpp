// Sixteen frames side by side, one in each 16-bit lane of a vector; the same numbers as portable.cpp.
#include "kernels.hpp"

#ifdef __AVX2__

#include <immintrin.h>
#include <string.h>

#include "avx2_columns.hpp"
#include "fft.hpp"

namespace mltk {
namespace {

struct Lane {
  __m256i v;
};

// Bits 0..15 of each pair of lanes, and bits 16..31.
inline __m256i pick(__m256i low, __m256i high) { return _mm256_blend_epi16(low, high, 0xAA); }

inline Lane operator+(Lane a, Lane b) { return {_mm256_add_epi16(a.v, b.v)}; }
inline Lane operator-(Lane a, Lane b) { return {_mm256_sub_epi16(a.v, b.v)}; }
inline Lane negated(Lane a) { return {_mm256_sub_epi16(_mm256_setzero_si256(), a.v)}; }
inline Lane scaled(Lane a, int16_t factor) { return {_mm256_mulhrs_epi16(a.v, _mm256_set1_epi16(factor))}; }

// floor((a + b) / 2) without a 17th bit: what both have, and half of what one has.
inline Lane half_sum(Lane a, Lane b) {
  return {_mm256_add_epi16(_mm256_and_si256(a.v, b.v), _mm256_srai_epi16(_mm256_xor_si256(a.v, b.v), 1))};
}

// floor((a - b) / 2): a - b = a + ~b + 1, so half of it rounded down is the half of a + ~b rounded up.
inline Lane half_difference(Lane a, Lane b) {
  const __m256i c = _mm256_xor_si256(b.v, _mm256_set1_epi16(-1));
  return {_mm256_sub_epi16(_mm256_or_si256(a.v, c), _mm256_srai_epi16(_mm256_xor_si256(a.v, c), 1))};
}

inline __m256i pair(const int16_t* twiddle_half) {
  int32_t both;
  memcpy(&both, twiddle_half, sizeof(both));
  return _mm256_set1_epi32(both);
}

// (re, im) of even lanes as pairs in one vector, of odd lanes in another: the form that
// multiply-and-add-pairs takes.
struct Pairs {
  __m256i even, odd;
};

inline Pairs pairs(const Complex<Lane>& a) {
  return {pick(a.re.v, _mm256_slli_epi32(a.im.v, 16)), pick(_mm256_srli_epi32(a.re.v, 16), a.im.v)};
}

inline Lane rounded_product(const Pairs& a, __m256i twiddle) {
  const __m256i half = _mm256_set1_epi32(1 << 14);
  const __m256i even = _mm256_add_epi32(_mm256_madd_epi16(a.even, twiddle), half);
  const __m256i odd = _mm256_add_epi32(_mm256_madd_epi16(a.odd, twiddle), half);
  return {pick(_mm256_srli_epi32(even, 15), _mm256_slli_epi32(odd, 1))};
}

inline Complex<Lane> times(const Complex<Lane>& a, const Twiddle& t) {
  const Pairs p = pairs(a);
  return {rounded_product(p, pair(&t.re)), rounded_product(p, pair(&t.im))};
}

struct Scratch {
  int16_t* windowed;        // [kLanes][fft_length]
  Complex<Lane>* spectrum;  // [half + 1]
  uint32_t* across;         // [channels, rounded up][kLanes], see finish_columns
  uint32_t* bands;          // [channels]
};

size_t rows_of(const FrontendTables& t) {
  return (t.shape.channels + kBandLanes - 1) / kBandLanes * kBandLanes;
}

Scratch divide(const FrontendTables& t, Arena& arena) {
  return {arena.take<int16_t>(size_t{kLanes} * t.shape.fft_length), arena.take<Complex<Lane>>(t.half + 1),
          arena.take<uint32_t>(kLanes * rows_of(t)), arena.take<uint32_t>(t.shape.channels)};
}

size_t scratch_bytes(const FrontendTables& t) {
  Arena arena(nullptr);
  divide(t, arena);
  const size_t single = portable_kernels().scratch_bytes(t);
  return arena.used() > single ? arena.used() : single;
}

int apply_window(const FrontendTables& t, const int16_t* __restrict samples, int16_t* __restrict out) {
  const int16_t* __restrict window = t.window;
  const int length = t.shape.window;
  int16_t loudest = 0;
  for (int i = 0; i < length; ++i) {
    const auto value = static_cast<int16_t>((samples[i] * window[i]) >> kWindowBits);
    const auto magnitude = static_cast<int16_t>(value < 0 ? -value : value);
    loudest = magnitude > loudest ? magnitude : loudest;
    out[i] = value;
  }
  return loudest;
}

// Windows one frame and shifts it up as far as it goes; returns the shift.
int prepare(const FrontendTables& t, const int16_t* samples, int16_t* out) {
  const int shift = 15 - bit_length(static_cast<uint32_t>(apply_window(t, samples, out)));
  for (int i = 0; i < t.shape.window; ++i) out[i] = static_cast<int16_t>(out[i] * (1 << shift));
  memset(out + t.shape.window, 0, (t.shape.fft_length - t.shape.window) * sizeof(int16_t));
  return shift;
}

// Transposes 8 values of 8 frames into the low or high half of 8 vectors.
inline void transpose8(const int16_t* rows, size_t stride, __m128i* columns) {
  __m128i r[8], a[8], b[8];
  for (int i = 0; i < 8; ++i) r[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows + i * stride));
  for (int i = 0; i < 4; ++i) {
    a[i] = _mm_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
    a[i + 4] = _mm_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    b[i] = _mm_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm_unpackhi_epi32(a[i], a[i + 1]);
    b[i + 2] = _mm_unpacklo_epi32(a[i + 2], a[i + 3]);
    b[i + 3] = _mm_unpackhi_epi32(a[i + 2], a[i + 3]);
  }
  for (int i = 0; i < 8; i += 4) {
    columns[i] = _mm_unpacklo_epi64(b[i], b[i + 2]);
    columns[i + 1] = _mm_unpackhi_epi64(b[i], b[i + 2]);
    columns[i + 2] = _mm_unpacklo_epi64(b[i + 1], b[i + 3]);
    columns[i + 3] = _mm_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
}

// Four complex samples per transposition, each sent to the place where the FFT wants it.
void load(const FrontendTables& t, const int16_t* windowed, Complex<Lane>* x) {
  for (int i = 0; i < t.half; i += 4) {
    __m128i low[8], high[8];
    transpose8(windowed + 2 * i, t.shape.fft_length, low);
    transpose8(windowed + 2 * i + size_t{8} * t.shape.fft_length, t.shape.fft_length, high);
    for (int j = 0; j < 4; ++j) {
      x[t.order[i + j]] = {{_mm256_set_m128i(high[2 * j], low[2 * j])},
                           {_mm256_set_m128i(high[2 * j + 1], low[2 * j + 1])}};
    }
  }
}

// Sums of 16 frames in double: below 2^53 (energy < 2^31, weight <= 2^12, at most 2^10 bins), so exact.
struct Sums {
  __m256d part[4];
};

inline void add(Sums& sums, const __m256d* energy, int16_t weight) {
  const __m256d factor = _mm256_set1_pd(weight);
  for (int i = 0; i < 4; ++i) sums.part[i] = _mm256_fmadd_pd(energy[i], factor, sums.part[i]);
}

inline void energy_of(const Complex<Lane>& bin, __m256d* energy) {
  const Pairs p = pairs(bin);
  const __m256i even = _mm256_madd_epi16(p.even, p.even), odd = _mm256_madd_epi16(p.odd, p.odd);
  energy[0] = _mm256_cvtepi32_pd(_mm256_castsi256_si128(even));
  energy[1] = _mm256_cvtepi32_pd(_mm256_extracti128_si256(even, 1));
  energy[2] = _mm256_cvtepi32_pd(_mm256_castsi256_si128(odd));
  energy[3] = _mm256_cvtepi32_pd(_mm256_extracti128_si256(odd, 1));
}

// round(sqrt(n)) of integers below 2^53; the estimate is off by one at most, and r * r is exact.
inline __m128i root(__m256d n) {
  const __m256d one = _mm256_set1_pd(1.0);
  const __m256d r = _mm256_round_pd(_mm256_sqrt_pd(n), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256d rest = _mm256_fnmadd_pd(r, r, n);
  const __m256d up = _mm256_and_pd(_mm256_cmp_pd(rest, r, _CMP_GT_OQ), one);
  const __m256d minus_r = _mm256_sub_pd(_mm256_setzero_pd(), r);
  const __m256d nonzero = _mm256_cmp_pd(r, _mm256_setzero_pd(), _CMP_GT_OQ);
  const __m256d down = _mm256_and_pd(_mm256_and_pd(_mm256_cmp_pd(rest, minus_r, _CMP_LE_OQ), nonzero), one);
  const __m256d exact = _mm256_sub_pd(_mm256_add_pd(r, up), down);
  // As the reference has it, the root of a number of 32 bits keeps to 16 bits.
  const __m256d narrow = _mm256_cmp_pd(n, _mm256_set1_pd(4294967296.0), _CMP_LT_OQ);
  const __m256d capped = _mm256_min_pd(exact, _mm256_set1_pd(65535.0));
  return _mm256_cvtpd_epi32(_mm256_blendv_pd(exact, capped, narrow));
}

inline __m256i roots(const Sums& s, int first) {
  return _mm256_set_m128i(root(s.part[first + 1]), root(s.part[first]));
}

void store_band(const Sums& sums, __m256i even_shifts, __m256i odd_shifts, uint32_t* across) {
  auto* out = reinterpret_cast<__m256i*>(across);
  _mm256_store_si256(out, _mm256_srlv_epi32(roots(sums, 0), even_shifts));
  _mm256_store_si256(out + 1, _mm256_srlv_epi32(roots(sums, 2), odd_shifts));
}

void filter(const FrontendTables& t, const Complex<Lane>* spectrum, const int32_t* shifts, uint32_t* across) {
  const auto* s = shifts;
  const __m256i even_shifts = _mm256_setr_epi32(s[0], s[2], s[4], s[6], s[8], s[10], s[12], s[14]);
  const __m256i odd_shifts = _mm256_setr_epi32(s[1], s[3], s[5], s[7], s[9], s[11], s[13], s[15]);
  const Sums zero = {};
  Sums rising = zero;
  int bin = t.first_bin;
  for (int segment = 0; segment <= t.shape.channels; ++segment) {
    Sums falling = rising;
    rising = zero;
    for (; bin < t.segment_ends[segment]; ++bin) {
      __m256d energy[4];
      energy_of(spectrum[bin], energy);
      add(falling, energy, t.weights[bin]);
      add(rising, energy, t.unweights[bin]);
    }
    if (segment > 0) store_band(falling, even_shifts, odd_shifts, across + (segment - 1) * kLanes);
  }
  const size_t missing = rows_of(t) - t.shape.channels;
  memset(across + size_t{kLanes} * t.shape.channels, 0, missing * kLanes * sizeof(uint32_t));
}

// Activity is a matter of one frame after another.
void detect_activities(const FrontendTables& t, Activity& activity, const Scratch& s, int count) {
  for (int frame = 0; frame < count; ++frame) {
    for (int i = 0; i < t.shape.channels; ++i) s.bands[i] = s.across[i * kLanes + place_of(frame)];
    detect_activity(t, activity, s.bands);
  }
}

void columns(const FrontendTables& t, Levels& levels, const int16_t* samples, int count, void* scratch,
             uint16_t* out) {
  if (t.half > 1024) {  // beyond the bound of Sums
    portable_kernels().columns(t, levels, samples, count, scratch, out);
    return;
  }
  Arena arena(scratch);
  const Scratch s = divide(t, arena);
  int32_t shifts[kLanes] = {};
  for (int frame = 0; frame < kLanes; ++frame) {
    int16_t* row = s.windowed + size_t{static_cast<unsigned>(frame)} * t.shape.fft_length;
    if (frame < count) {
      shifts[frame] = prepare(t, samples + frame * t.shape.step, row);
    } else {
      memset(row, 0, t.shape.fft_length * sizeof(int16_t));
    }
  }
  load(t, s.windowed, s.spectrum);
  real_fft(t, s.spectrum);
  filter(t, s.spectrum, shifts, s.across);
  if (t.activity) detect_activities(t, levels.activity, s, count);
  finish_columns(t, levels, s.across, count, out);
}

// One multiply-round-shift and one sum per sample: the recursion leaves nothing to do side by side.
void notch(int16_t coefficient, int16_t* last_in, int16_t* last_out, const int16_t* in, size_t count,
           int16_t* out) {
  const __m128i factor = _mm_cvtsi32_si128(coefficient);
  __m128i y = _mm_cvtsi32_si128(*last_out);
  int x = *last_in;
  for (size_t i = 0; i < count; ++i) {
    y = _mm_add_epi16(_mm_mulhrs_epi16(y, factor), _mm_cvtsi32_si128(in[i] - x));
    x = in[i];
    out[i] = static_cast<int16_t>(_mm_cvtsi128_si32(y));
  }
  *last_in = static_cast<int16_t>(x);
  *last_out = static_cast<int16_t>(_mm_cvtsi128_si32(y));
}

void quantise_window(const FrontendTables& t, const uint16_t* __restrict values, size_t count,
                     int8_t* __restrict out) {
  if (!t.dynamic_scale) return quantise_static(values, count, out);
  const DynamicScale scale = dynamic_scale(t, values, count);
  // 255 * above < 2^24 and span < 2^16: a float quotient, rounded to nearest, never reaches the next integer.
  const auto span = static_cast<float>(scale.span);
  for (size_t i = 0; i < count; ++i) {
    const int32_t above = values[i] > scale.floor ? values[i] - scale.floor : 0;
    out[i] = static_cast<int8_t>(static_cast<int32_t>(static_cast<float>(255 * above) / span) - 128);
  }
}

}  // namespace

const Kernels* avx2_kernels() {
  static const Kernels kernels = {kLanes, scratch_bytes, columns, notch, quantise_window};
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernels : nullptr;
}

}  // namespace mltk

#else

namespace mltk {
const Kernels* avx2_kernels() { return nullptr; }
}  // namespace mltk

#endif
