// One frame at a time, in plain integers: what runs on a microcontroller.
#include <string.h>

#include "columns.hpp"
#include "root.hpp"
#include "stages.hpp"
#ifdef __ARM_FEATURE_SIMD32
#include "packed.hpp"
#else
#include "scalar.hpp"
#endif

namespace mltk {
namespace {

void filter(const FrontendTables& t, const Bin* spectrum, int shift, uint32_t* bands) {
  const int16_t *weights = t.weights, *unweights = t.unweights;
  int bin = t.first_bin;
  uint64_t rising = 0;  // of the segment before
  for (int segment = 0; segment <= t.shape.channels; ++segment) {
    uint64_t falling = rising;
    rising = 0;
    for (const int end = t.segment_ends[segment]; bin < end; ++bin) {
      const uint32_t energy = energy_of(spectrum[bin]);
      falling += product16(energy, static_cast<uint32_t>(weights[bin]));
      rising += product16(energy, static_cast<uint32_t>(unweights[bin]));
    }
    stage_done(Stage::kFilterBank);
    if (segment > 0) bands[segment - 1] = root(falling) >> shift;
    stage_done(Stage::kSquareRoots);
  }
}

struct Scratch {
  int16_t* windowed;
  Bin* spectrum;
  uint32_t* bands;
};

Scratch divide(const FrontendTables& t, Arena& arena) {
  return {arena.take<int16_t>(t.shape.fft_length), arena.take<Bin>(t.half + 1),
          arena.take<uint32_t>(t.shape.channels)};
}

size_t scratch_bytes(const FrontendTables& t) {
  Arena arena(nullptr);
  divide(t, arena);
  return arena.used();
}

void columns(const FrontendTables& t, Levels& levels, const int16_t* samples, int count, void* scratch,
             uint16_t* out) {
  Arena arena(scratch);
  const Scratch s = divide(t, arena);
  for (int frame = 0; frame < count; ++frame) {
    const int shift = 15 - apply_window(t, samples + frame * t.shape.step, s.windowed);
    memset(s.windowed + t.shape.window, 0, (t.shape.fft_length - t.shape.window) * sizeof(int16_t));
    stage_done(Stage::kWindow);
    load(t, s.windowed, shift, s.spectrum);
    stage_done(Stage::kLoad);
    real_fft(t, s.spectrum);
    stage_done(Stage::kFft);
    filter(t, s.spectrum, shift, s.bands);
    finish_column(t, levels, s.bands, out + frame * t.shape.channels);
  }
}

void notch(int16_t coefficient, int16_t* last_in, int16_t* last_out, const int16_t* in, size_t count,
           int16_t* out) {
  // y = x - x' + round(k y' / 2^15): bits 15 to 30 of a sum that may wrap, as sums of 16 bits do.
  int32_t x = *last_in, y = *last_out;
  for (size_t i = 0; i < count; ++i) {
    const int32_t next = in[i];
    const uint32_t rise = (static_cast<uint32_t>(next - x) << 15) + (1u << 14);
    y = static_cast<int32_t>((static_cast<uint32_t>(coefficient * y) + rise) << 1) >> 16;
    x = next;
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
