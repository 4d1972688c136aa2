// Complex numbers of 16-bit parts in plain integers, and the steps that lead to them and from them.
#pragma once

#include "fft.hpp"

namespace mltk {
namespace {

struct Lane {
  int16_t value;
};

inline int16_t wrap(int32_t x) { return static_cast<int16_t>(x); }
inline int32_t rounded(int32_t x) { return (x + (1 << 14)) >> 15; }

inline Lane operator+(Lane a, Lane b) { return {wrap(a.value + b.value)}; }
inline Lane operator-(Lane a, Lane b) { return {wrap(a.value - b.value)}; }
inline Lane negated(Lane a) { return {wrap(-a.value)}; }
inline Lane half_sum(Lane a, Lane b) { return {wrap((a.value + b.value) >> 1)}; }
inline Lane half_difference(Lane a, Lane b) { return {wrap((a.value - b.value) >> 1)}; }
inline Lane scaled(Lane a, int16_t factor) { return {wrap(rounded(a.value * factor))}; }

inline Complex<Lane> times(const Complex<Lane>& a, const Twiddle& t) {
  const int32_t re = a.re.value * t.re + a.im.value * t.minus_im;
  const int32_t im = a.re.value * t.im + a.im.value * t.re;
  return {{wrap(rounded(re))}, {wrap(rounded(im))}};
}

using Bin = Complex<Lane>;

// Returns the significant bits of the largest magnitude; -32768 has none in 16 bits and is passed over, as in
// the reference.
inline int apply_window(const FrontendTables& t, const int16_t* samples, int16_t* out) {
  int16_t loudest = 0;
  for (int i = 0; i < t.shape.window; ++i) {
    out[i] = wrap((samples[i] * t.window[i]) >> kWindowBits);
    const int16_t magnitude = out[i] < 0 ? wrap(-out[i]) : out[i];
    if (magnitude > loudest) loudest = magnitude;
  }
  return bit_length(static_cast<uint32_t>(loudest));
}

inline void load(const FrontendTables& t, const int16_t* windowed, int shift, Bin* x) {
  for (int i = 0; i < t.half; ++i) {
    x[t.order[i]] = {{wrap(windowed[2 * i] * (1 << shift))}, {wrap(windowed[2 * i + 1] * (1 << shift))}};
  }
}

inline uint32_t energy_of(const Bin& bin) {
  const int32_t re = bin.re.value, im = bin.im.value;
  return static_cast<uint32_t>(re * re) + static_cast<uint32_t>(im * im);
}

}  // namespace
}  // namespace mltk
