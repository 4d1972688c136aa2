// The same as scalar.hpp with both parts of a complex number in one register, by the DSP instructions of
// Cortex-M4 and later cores: real part in the lower half, imaginary part in the upper.
#pragma once

#include <arm_acle.h>

#include "fft.hpp"

namespace mltk {
namespace {

struct Packed {
  int32_t both;
};
using Bin = Packed;

// Two neighbouring values as one word. The core reads words from odd addresses too.
inline int32_t pair_at(const int16_t* values) {
  int32_t both;
  __builtin_memcpy(&both, values, sizeof(both));
  return both;
}

// GCC has no intrinsics for the two instructions that put halves together.

// The lower half of one word, and the lower half of another, shifted up by Shift.
template <int Shift>
inline Packed lower_and_shifted(int32_t re, int32_t im) {
  int32_t both;
  __asm__("pkhbt %0, %1, %2, lsl %3" : "=r"(both) : "r"(re), "r"(im), "i"(Shift));
  return {both};
}

// The upper halves of two words.
inline Packed uppers(int32_t re, int32_t im) {
  int32_t both;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(both) : "r"(im), "r"(re));
  return {both};
}

// The lower half of one word under the upper half of another.
inline Packed lower_and_upper(int32_t re, int32_t im) {
  int32_t both;
  __asm__("pkhbt %0, %1, %2" : "=r"(both) : "r"(re), "r"(im));
  return {both};
}

inline Packed operator+(Packed a, Packed b) { return {__sadd16(a.both, b.both)}; }
inline Packed operator-(Packed a, Packed b) { return {__ssub16(a.both, b.both)}; }
inline Packed plus_turned(Packed a, Packed b) { return {__sasx(a.both, b.both)}; }
inline Packed minus_turned(Packed a, Packed b) { return {__ssax(a.both, b.both)}; }
inline Packed half_sum(Packed a, Packed b) { return {__shadd16(a.both, b.both)}; }

inline Packed conjugate(Packed a) { return lower_and_upper(a.both, __ssub16(0, a.both)); }

inline Packed half_difference_turned_over(Packed a, Packed b) {
  return lower_and_upper(__shsub16(a.both, b.both), __shsub16(b.both, a.both));
}

inline Packed sum_of_parts(Packed a) { return {__sasx(a.both, a.both) >> 16 & 0xFFFF}; }
inline Packed difference_of_parts(Packed a) { return {__ssub16(a.both, a.both >> 16) & 0xFFFF}; }

// With twice the factor the rounded quotient is the upper half of the product.
inline Packed scaled(Packed a, int16_t factor) {
  const int32_t twice = 2 * factor;
  return uppers(__smlabb(a.both, twice, 1 << 15), __smlatb(a.both, twice, 1 << 15));
}

inline Packed times(Packed a, const Twiddle& t) {
  const int32_t factor = pair_at(&t.im);  // im in the lower half, re in the upper
  const int32_t re = __smlsdx(a.both, factor, 1 << 14), im = __smlad(a.both, factor, 1 << 14);
  return lower_and_shifted<1>(re >> 15, im);
}

inline uint32_t energy_of(Packed bin) { return static_cast<uint32_t>(__smuad(bin.both, bin.both)); }

// Returns the significant bits of the largest magnitude: as many as all magnitudes have when or-ed. -32768
// only sets the bit that is left out at the end; the reference passes it over.
inline int apply_window(const FrontendTables& t, const int16_t* samples, int16_t* out) {
  const int16_t *x_at = samples, *w_at = t.window, *const end = samples + (t.shape.window & ~1);
  uint32_t magnitudes = 0;
  for (int16_t* to = out; x_at != end; x_at += 2, w_at += 2, to += 2) {
    const int32_t x = pair_at(x_at), w = pair_at(w_at);
    const int32_t low = static_cast<int16_t>(x) * static_cast<int16_t>(w), high = (x >> 16) * (w >> 16);
    const int32_t both = lower_and_shifted<16 - kWindowBits>(low >> kWindowBits, high).both;
    __builtin_memcpy(to, &both, sizeof(both));
    const int32_t negated = __ssub16(0, both);  // marks the halves that are not above 0
    magnitudes |= __sel(static_cast<uint32_t>(negated), static_cast<uint32_t>(both));
  }
  if (t.shape.window % 2 != 0) {
    const int last = t.shape.window - 1;
    out[last] = static_cast<int16_t>((samples[last] * t.window[last]) >> kWindowBits);
    magnitudes |= static_cast<uint32_t>(out[last] < 0 ? -out[last] : out[last]);
  }
  return bit_length((magnitudes | magnitudes >> 16) & 0x7FFF);
}

inline void load(const FrontendTables& t, const int16_t* windowed, int shift, Packed* x) {
  const uint32_t kept =
      0xFFFF0000 | 0xFFFFu >> shift;  // what leaves the lower half stays out of the upper one
  const uint16_t* order = t.order;
  for (const int16_t* end = windowed + t.shape.fft_length; windowed != end; windowed += 2) {
    const auto both = static_cast<uint32_t>(pair_at(windowed));
    x[*order++] = {static_cast<int32_t>((both & kept) << shift)};
  }
}

}  // namespace
}  // namespace mltk
