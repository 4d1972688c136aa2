// One frame at a time, in plain integers: what runs on a microcontroller.
#include <string.h>

#include "columns.hpp"
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

// Returns the largest magnitude; -32768 has none in 16 bits and is passed over, as in the reference.
int apply_window(const FrontendTables& t, const int16_t* samples, int16_t* out) {
  int16_t loudest = 0;
  for (int i = 0; i < t.shape.window; ++i) {
    out[i] = wrap((samples[i] * t.window[i]) >> kWindowBits);
    const int16_t magnitude = out[i] < 0 ? wrap(-out[i]) : out[i];
    if (magnitude > loudest) loudest = magnitude;
  }
  return loudest;
}

void load(const FrontendTables& t, const int16_t* windowed, int shift, Complex<Lane>* x) {
  for (int i = 0; i < t.half; ++i) {
    x[t.order[i]] = {{wrap(windowed[2 * i] * (1 << shift))}, {wrap(windowed[2 * i + 1] * (1 << shift))}};
  }
}

// round(sqrt(n)), bit by bit.
uint32_t root(uint64_t n) {
  uint64_t rest = n, result = 0;
  const auto high = static_cast<uint32_t>(n >> 32);
  const int bits = high != 0 ? 32 + bit_length(high) : bit_length(static_cast<uint32_t>(n));
  for (uint64_t bit = bits == 0 ? 0 : uint64_t{1} << ((bits - 1) & ~1); bit != 0; bit >>= 2) {
    if (rest >= result + bit) {
      rest -= result + bit;
      result = (result >> 1) + bit;
    } else {
      result >>= 1;
    }
  }
  const bool up = rest > result && !(high == 0 && result == 0xFFFF);  // 16 bits stay 16 bits
  return static_cast<uint32_t>(result + (up ? 1 : 0));
}

void filter(const FrontendTables& t, const Complex<Lane>* spectrum, int shift, uint32_t* bands) {
  uint64_t rising = 0;  // of the segment before
  int bin = t.first_bin;
  for (int segment = 0; segment <= t.shape.channels; ++segment) {
    uint64_t falling = rising;
    rising = 0;
    for (; bin < t.segment_ends[segment]; ++bin) {
      const int32_t re = spectrum[bin].re.value, im = spectrum[bin].im.value;
      const uint32_t energy = static_cast<uint32_t>(re * re) + static_cast<uint32_t>(im * im);
      falling += uint64_t{energy} * static_cast<uint32_t>(t.weights[bin]);
      rising += uint64_t{energy} * static_cast<uint32_t>(t.unweights[bin]);
    }
    if (segment > 0) bands[segment - 1] = root(falling) >> shift;
  }
}

struct Scratch {
  int16_t* windowed;
  Complex<Lane>* spectrum;
  uint32_t* bands;
};

Scratch divide(const FrontendTables& t, Arena& arena) {
  return {arena.take<int16_t>(t.shape.fft_length), arena.take<Complex<Lane>>(t.half + 1),
          arena.take<uint32_t>(t.shape.channels)};
}

size_t scratch_bytes(const FrontendTables& t) {
  Arena arena(nullptr);
  divide(t, arena);
  return arena.used();
}

void take_logs(const FrontendTables& t, const uint32_t* bands, uint16_t* column) {
  for (int i = 0; i < t.shape.channels; ++i) column[i] = saturate16(log_of(t, bands[i]));
}

void columns(const FrontendTables& t, Levels& levels, const int16_t* samples, int count, void* scratch,
             uint16_t* out) {
  Arena arena(scratch);
  const Scratch s = divide(t, arena);
  for (int frame = 0; frame < count; ++frame) {
    const int shift = 15 - bit_length(apply_window(t, samples + frame * t.shape.step, s.windowed));
    memset(s.windowed + t.shape.window, 0, (t.shape.fft_length - t.shape.window) * sizeof(int16_t));
    load(t, s.windowed, shift, s.spectrum);
    real_fft(t, s.spectrum);
    filter(t, s.spectrum, shift, s.bands);
    finish_column(t, levels, s.bands, out + frame * t.shape.channels, take_logs);
  }
}

void notch(int16_t coefficient, int16_t* last_in, int16_t* last_out, const int16_t* in, size_t count,
           int16_t* out) {
  // y = x - x' + round(k y' / 2^15), kept in the upper half of 32 bits so that sums wrap as 16 bits do.
  int32_t x = *last_in, y = *last_out;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t rise = static_cast<uint32_t>(in[i] - x) << 16;
    y = static_cast<int32_t>(static_cast<uint32_t>(2 * coefficient * y) + (1u << 15) + rise) >> 16;
    x = in[i];
    out[i] = static_cast<int16_t>(y);
  }
  *last_in = static_cast<int16_t>(x);
  *last_out = static_cast<int16_t>(y);
}

void quantise_window(const FrontendTables& t, const uint16_t* values, size_t count, int8_t* out) {
  if (t.dynamic_scale) {
    const DynamicScale scale = dynamic_scale(t, values, count);
    for (size_t i = 0; i < count; ++i) {
      const int32_t above = values[i] > scale.floor ? values[i] - scale.floor : 0;
      out[i] = static_cast<int8_t>(255 * above / scale.span - 128);
    }
  } else {
    quantise_static(values, count, out);
  }
}

}  // namespace

const Kernels& portable_kernels() {
  static const Kernels kernels = {1, scratch_bytes, columns, notch, quantise_window};
  return kernels;
}

}  // namespace mltk
