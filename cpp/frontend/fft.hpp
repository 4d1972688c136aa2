// Fixed-point FFT of a real signal, 16 bits with a division by the radix in each stage, written once for one
// frame (Lane = one int16) and for several frames side by side (Lane = a vector of int16).
//
// Rounding: x / r is round(x * floor(32767 / r) / 2^15); a complex product is rounded once per component;
// sums wrap. These are the roundings of the decimation-in-time FFT that MLTK's and TensorFlow's front ends
// were trained with.
//
// The functions below the line take any type C of complex numbers that has the functions above it. Those are
// written once for Complex<Lane>, where a Lane offers + and -, `negated`, `scaled(x, factor)` =
// round(x * factor / 2^15), `times(complex, twiddle)`, and `half_sum` and `half_difference` = (a +- b) / 2
// rounded down without losing the carry; packed.hpp has another type.
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

/// a + j b.
template <class Lane>
inline Complex<Lane> plus_turned(const Complex<Lane>& a, const Complex<Lane>& b) {
  return {a.re - b.im, a.im + b.re};
}

/// a - j b.
template <class Lane>
inline Complex<Lane> minus_turned(const Complex<Lane>& a, const Complex<Lane>& b) {
  return {a.re + b.im, a.im - b.re};
}

template <class Lane>
inline Complex<Lane> conjugate(const Complex<Lane>& a) {
  return {a.re, negated(a.im)};
}

/// (a + b) / 2.
template <class Lane>
inline Complex<Lane> half_sum(const Complex<Lane>& a, const Complex<Lane>& b) {
  return {half_sum(a.re, b.re), half_sum(a.im, b.im)};
}

/// The conjugate of (a - b) / 2.
template <class Lane>
inline Complex<Lane> half_difference_turned_over(const Complex<Lane>& a, const Complex<Lane>& b) {
  return {half_difference(a.re, b.re), half_difference(b.im, a.im)};
}

/// re + im, a real number.
template <class Lane>
inline Complex<Lane> sum_of_parts(const Complex<Lane>& a) {
  return {a.re + a.im, a.re - a.re};
}

/// re - im, a real number.
template <class Lane>
inline Complex<Lane> difference_of_parts(const Complex<Lane>& a) {
  return {a.re - a.im, a.re - a.re};
}

// ----------------------------------------------------------------------------------------------------------

template <class C>
inline void combine4(C* x, int span, const C& b, const C& c, const C& d) {
  const C a = scaled(x[0], kQuarter);
  const C even = a + c, odd = a - c, sum = b + d, turn = b - d;
  x[0] = even + sum;
  x[2 * span] = even - sum;
  x[span] = minus_turned(odd, turn);
  x[3 * span] = plus_turned(odd, turn);
}

// First stage of radix 4: every twiddle factor is 32767 / 32768, which leaves a value divided by 4 as it is.
template <class C>
inline void first_stage4(C* x, int length) {
  for (C* end = x + length; x != end; x += 4) {
    combine4(x, 1, scaled(x[1], kQuarter), scaled(x[2], kQuarter), scaled(x[3], kQuarter));
  }
}

template <class C>
inline void first_stage2(C* x, int length, const Twiddle& unit) {
  for (C* end = x + length; x != end; x += 2) {
    const C a = scaled(x[0], kHalf), b = times(scaled(x[1], kHalf), unit);
    x[0] = a + b;
    x[1] = a - b;
  }
}

template <class C>
inline void stage4(C* x, int length, int span, const Twiddle* twiddles) {
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
template <class C>
inline void split(C* x, int length, const Twiddle* twiddles) {
  const C first = scaled(x[0], kHalf);
  x[0] = sum_of_parts(first);
  x[length] = difference_of_parts(first);
  for (int k = 1; k <= length / 2; ++k) {
    const C low = scaled(x[k], kHalf), high = scaled(conjugate(x[length - k]), kHalf);
    const C even = low + high, odd = times(low - high, twiddles[k - 1]);
    x[k] = half_sum(even, odd);
    x[length - k] = half_difference_turned_over(even, odd);
  }
}

/// In: `x[i]`, i < half, the packed samples in the tables' order. Out: bins 0..half.
template <class C>
inline void real_fft(const FrontendTables& t, C* x) {
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
