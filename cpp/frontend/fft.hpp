// Fixed-point FFT of a real signal, 16 bits with a division by the radix in each stage, written once for one
// frame (Lane = one int16) and for several frames side by side (Lane = a vector of int16).
//
// Rounding: x / r is round(x * floor(32767 / r) / 2^15); a complex product is rounded once per component;
// sums wrap. These are the roundings of the decimation-in-time FFT that MLTK's and TensorFlow's front ends
// were trained with.
//
// A Lane offers + and -, `scaled(x, factor)` = round(x * factor / 2^15), `times(complex, twiddle)` and
// `half_sum(a, b)` = (a + b) / 2 rounded down without losing the carry.
#pragma once

#include "tables.hpp"

namespace mltk {
namespace {

constexpr int16_t kHalf = 32767 / 2;
constexpr int16_t kQuarter = 32767 / 4;

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
inline Complex<Lane> scaled(const Complex<Lane>& a, int16_t factor) {
  return {scaled(a.re, factor), scaled(a.im, factor)};
}

template <class Lane>
inline void combine4(Complex<Lane>* x, int span, const Complex<Lane>& b, const Complex<Lane>& c,
                     const Complex<Lane>& d) {
  const Complex<Lane> a = scaled(x[0], kQuarter);
  const Complex<Lane> even = a + c, odd = a - c, sum = b + d, turn = b - d;
  x[0] = even + sum;
  x[2 * span] = even - sum;
  x[span] = {odd.re + turn.im, odd.im - turn.re};
  x[3 * span] = {odd.re - turn.im, odd.im + turn.re};
}

// First stage of radix 4: every twiddle factor is 32767 / 32768, which leaves a value divided by 4 as it is.
template <class Lane>
inline void first_stage4(Complex<Lane>* x, int length) {
  for (Complex<Lane>* end = x + length; x != end; x += 4) {
    combine4(x, 1, scaled(x[1], kQuarter), scaled(x[2], kQuarter), scaled(x[3], kQuarter));
  }
}

template <class Lane>
inline void first_stage2(Complex<Lane>* x, int length, const Twiddle& unit) {
  for (Complex<Lane>* end = x + length; x != end; x += 2) {
    const Complex<Lane> a = scaled(x[0], kHalf), b = times(scaled(x[1], kHalf), unit);
    x[0] = a + b;
    x[1] = a - b;
  }
}

template <class Lane>
inline void stage4(Complex<Lane>* x, int length, int span, const Twiddle* twiddles) {
  const int stride = length / (4 * span);
  for (int j = 0; j < span; ++j) {
    const Twiddle t1 = twiddles[j * stride], t2 = twiddles[2 * j * stride], t3 = twiddles[3 * j * stride];
    for (int i = j; i < length; i += 4 * span) {
      combine4(x + i, span, times(scaled(x[i + span], kQuarter), t1),
               times(scaled(x[i + 2 * span], kQuarter), t2), times(scaled(x[i + 3 * span], kQuarter), t3));
    }
  }
}

// Even samples went in as real parts and odd samples as imaginary parts; this takes their spectra apart, in
// place.
template <class Lane>
inline void split(Complex<Lane>* x, int length, const Twiddle* twiddles) {
  const Complex<Lane> first = scaled(x[0], kHalf);
  x[0] = {first.re + first.im, first.re - first.re};
  x[length] = {first.re - first.im, first.re - first.re};
  for (int k = 1; k <= length / 2; ++k) {
    const Complex<Lane> low = scaled(x[k], kHalf);
    const Complex<Lane> high = scaled(Complex<Lane>{x[length - k].re, negated(x[length - k].im)}, kHalf);
    const Complex<Lane> even = low + high, odd = times(low - high, twiddles[k - 1]);
    x[k] = {half_sum(even.re, odd.re), half_sum(even.im, odd.im)};
    x[length - k] = {half_difference(even.re, odd.re), half_difference(odd.im, even.im)};
  }
}

/// In: `x[i]`, i < half, the packed samples in the tables' order. Out: bins 0..half.
template <class Lane>
inline void real_fft(const FrontendTables& t, Complex<Lane>* x) {
  int span = bit_length(t.half) % 2 == 1 ? 4 : 2;  // a power of 4 has an odd number of bits
  if (span == 4) {
    first_stage4(x, t.half);
  } else {
    first_stage2(x, t.half, t.twiddles[0]);
  }
  for (; span < t.half; span *= 4) stage4(x, t.half, span, t.twiddles);
  split(x, t.half, t.split_twiddles);
}

}  // namespace
}  // namespace mltk
