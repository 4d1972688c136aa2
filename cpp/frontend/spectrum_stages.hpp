// The stages of the float32 front end, written once for one frame (Lane = float) and for several side by side
// (Lane = a vector of float). Included by each source file that is compiled for an instruction set of its
// own: everything has internal linkage, so that the linker never mixes the copies.
//
// `Ops<Lane>` has what the operators do not: the type Bits (an int32_t for each float), `to_lane(Bits)`,
// `root(Lane)` and `at_least(Lane, float)`.
#pragma once

#include <string.h>

#include "spectrum_tables.hpp"

namespace mltk {
namespace {

#ifdef __FLT_EVAL_METHOD__
static_assert(__FLT_EVAL_METHOD__ == 0, "each step must be rounded to its own type");
#endif

template <class Lane>
struct Ops;

template <class Lane>
struct Complex {
  Lane re, im;
};

template <class Lane>
inline Complex<Lane> operator+(const Complex<Lane>& a, const Complex<Lane>& b) {
  return {a.re + b.re, a.im + b.im};
}

template <class Lane>
inline Complex<Lane> operator-(const Complex<Lane>& a, const Complex<Lane>& b) {
  return {a.re - b.re, a.im - b.im};
}

template <class Lane>
inline Complex<Lane> operator*(const Complex<Lane>& a, const Rotation& r) {
  return {a.re * r.re - a.im * r.im, a.re * r.im + a.im * r.re};
}

template <class Lane>
inline Lane energy_of(const Complex<Lane>& a) {
  return a.re * a.re + a.im * a.im;
}

/// The mean of a frame after pre-emphasis; `samples[-1]` is the one before the frame.
inline float mean_of(const SpectrumTables& t, const int16_t* samples) {
  const int length = t.shape.frame;
  int32_t sum = 0;
  for (int i = 0; i < length; ++i) sum += samples[i];
  float total = static_cast<float>(sum);
  if (t.pre_emphasis != 0.0f) {
    const int32_t before = sum - samples[length - 1] + samples[-1];
    total = total - t.pre_emphasis * static_cast<float>(before);
  }
  return total / static_cast<float>(length);
}

/// Windows one frame, with what comes before the window: float row of the FFT's length, zeros behind the
/// frame.
inline void apply_window(const SpectrumTables& t, const int16_t* __restrict samples, float* __restrict row) {
  const float* __restrict window = t.window;
  const int length = t.shape.frame;
  const float mean = t.remove_mean ? mean_of(t, samples) : 0.0f, coefficient = t.pre_emphasis;
  if (coefficient != 0.0f) {
    float before = static_cast<float>(samples[-1]);
    for (int i = 0; i < length; ++i) {
      const float now = static_cast<float>(samples[i]);
      row[i] = (now - coefficient * before - mean) * window[i];
      before = now;
    }
  } else {
    for (int i = 0; i < length; ++i) row[i] = (static_cast<float>(samples[i]) - mean) * window[i];
  }
  memset(row + length, 0, (t.shape.fft_length - length) * sizeof(float));
}

template <class Lane>
inline void combine4(Complex<Lane>* x, int span, const Complex<Lane>& b, const Complex<Lane>& c,
                     const Complex<Lane>& d) {
  const Complex<Lane> a = x[0];
  const Complex<Lane> even = a + c, odd = a - c, sum = b + d, turn = b - d;
  x[0] = even + sum;
  x[2 * span] = even - sum;
  x[span] = {odd.re + turn.im, odd.im - turn.re};
  x[3 * span] = {odd.re - turn.im, odd.im + turn.re};
}

template <class Lane>
inline void stage4(Complex<Lane>* x, int length, int span, const Rotation* rotations) {
  for (int i = 0; i < length; i += 4 * span) {
    combine4(x + i, span, x[i + span], x[i + 2 * span], x[i + 3 * span]);
  }
  const int stride = length / (4 * span);
  for (int j = 1; j < span; ++j) {
    const Rotation r1 = rotations[j * stride], r2 = rotations[2 * j * stride], r3 = rotations[3 * j * stride];
    for (int i = j; i < length; i += 4 * span) {
      combine4(x + i, span, x[i + span] * r1, x[i + 2 * span] * r2, x[i + 3 * span] * r3);
    }
  }
}

/// In: the packed samples in the tables' order. Out: their complex spectrum.
template <class Lane>
inline void complex_fft(const SpectrumTables& t, Complex<Lane>* x) {
  int span = 1;
  if (bit_length(t.half) % 2 == 0) {  // not a power of 4
    for (int i = 0; i < t.half; i += 2) {
      const Complex<Lane> a = x[i], b = x[i + 1];
      x[i] = a + b;
      x[i + 1] = a - b;
    }
    span = 2;
  }
  for (; span < t.half; span *= 4) stage4(x, t.half, span, t.rotations);
}

/// Even samples went in as real parts and odd samples as imaginary parts; takes their spectra apart, into the
/// energy of bins 0 to half.
template <class Lane>
inline void energies(const SpectrumTables& t, const Complex<Lane>* x, Lane* energy) {
  const Lane constant = x[0].re + x[0].im, highest = x[0].re - x[0].im;
  energy[0] = constant * constant;
  energy[t.half] = highest * highest;
  for (int k = 1; k <= t.half / 2; ++k) {
    const Complex<Lane> low = x[k], high = {x[t.half - k].re, -x[t.half - k].im};
    const Complex<Lane> even = low + high, odd = (low - high) * t.separations[k];
    energy[k] = energy_of(even + odd) * 0.25f;
    energy[t.half - k] = energy_of(even - odd) * 0.25f;
  }
}

/// Bins to bands.
template <class Lane>
inline void filter(const SpectrumTables& t, Lane* energy, Lane* bands) {
  if (t.magnitude) {
    const int first = t.bank[0].first, end = t.bank[t.linear ? 0 : t.bands - 1].end;
    for (int i = first; i < end; ++i) energy[i] = Ops<Lane>::root(energy[i]);
  }
  for (int i = 0; i < t.bands; ++i) {
    if (t.linear) {
      bands[i] = energy[t.bank[0].first + i];
      continue;
    }
    const Band& band = t.bank[i];
    const float* weight = t.weights + band.weights;
    Lane sum = energy[band.first] * *weight;
    for (int bin = band.first + 1; bin < band.end; ++bin) sum = sum + energy[bin] * *++weight;
    bands[i] = sum;
  }
}

/// ln x for normal x > 0. With x = m 2^n, sqrt(1/2) <= m < sqrt(2), and s = (m - 1) / (m + 1):
/// ln m = 2 atanh(s) = 2 (s + s^3 / 3 + s^5 / 5 ...); |s| < 0.172, so s^11 no longer counts.
template <class Lane>
inline Lane natural_log(Lane x) {
  using Bits = typename Ops<Lane>::Bits;
  constexpr int32_t kRootHalf = 0x3F3504F3;                            // bits of sqrt(1/2)
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;  // their sum is ln 2, n * high is exact
  Bits bits;
  memcpy(&bits, &x, sizeof(bits));
  const Bits exponent = (bits - kRootHalf) >> 23;
  bits = bits - exponent * (1 << 23);
  Lane m;
  memcpy(&m, &bits, sizeof(m));
  const Lane n = Ops<Lane>::to_lane(exponent), s = (m - 1.0f) / (m + 1.0f), z = s * s;
  const Lane rest = z * (2.0f / 3 + z * (2.0f / 5 + z * (2.0f / 7 + z * (2.0f / 9))));
  return n * kLn2High + (2.0f * s + (s * rest + n * kLn2Low));
}

/// ln(1 + x) for x >= 0; what 1 + x loses of x is added again.
template <class Lane>
inline Lane log_of_one_plus(Lane x) {
  const Lane sum = 1.0f + x;
  return natural_log(sum) + (x - (sum - 1.0f)) / sum;
}

template <class Lane>
inline void take_logs(const SpectrumTables& t, Lane* bands) {
  if (t.log == SpectrumLog::kNone) return;
  for (int i = 0; i < t.bands; ++i) {
    bands[i] = t.log == SpectrumLog::kLog1p
                   ? log_of_one_plus(bands[i])
                   : natural_log(Ops<Lane>::at_least(bands[i], t.log_floor)) * t.log_gain;
  }
}

template <class Lane>
inline void transform(const SpectrumTables& t, const Lane* bands, Lane* out) {
  const float* row = t.cosines;
  for (int i = 0; i < t.coefficients; ++i, row += t.bands) {
    Lane sum = bands[0] * row[0];
    for (int m = 1; m < t.bands; ++m) sum = sum + bands[m] * row[m];
    out[i] = sum;
  }
}

/// Mean and deviation are those of all values, or each value has its own.
template <class Lane>
inline void normalise(const SpectrumTables& t, Lane* features) {
  const float *mean = t.means, *inverse_std = t.inverse_stds;
  for (int i = 0; i < t.shape.features; ++i, mean += t.mean_step, inverse_std += t.std_step) {
    features[i] = (features[i] - *mean) * *inverse_std;
  }
}

/// What the stages work in.
template <class Lane>
struct Work {
  Complex<Lane>* spectrum;  // [half]
  Lane* energy;             // [half + 1]
  Lane* bands;              // [bands]
  Lane* features;           // [coefficients], or the bands
};

template <class Lane>
inline Work<Lane> divide_work(const SpectrumTables& t, Arena& arena) {
  Work<Lane> w;
  w.spectrum = arena.take<Complex<Lane>>(t.half);
  w.energy = arena.take<Lane>(t.half + 1);
  w.bands = arena.take<Lane>(t.bands);
  w.features = t.coefficients > 0 ? arena.take<Lane>(t.coefficients) : w.bands;
  return w;
}

/// From the packed samples in `w.spectrum` to `w.features`.
template <class Lane>
inline void compute_features(const SpectrumTables& t, const Work<Lane>& w) {
  complex_fft(t, w.spectrum);
  energies(t, w.spectrum, w.energy);
  filter(t, w.energy, w.bands);
  take_logs(t, w.bands);
  if (t.coefficients > 0) transform(t, w.bands, w.features);
  normalise(t, w.features);
}

}  // namespace
}  // namespace mltk
