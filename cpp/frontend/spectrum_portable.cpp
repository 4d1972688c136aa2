// One frame at a time: what runs on a microcontroller.
#include "spectrum_kernels.hpp"
#include "spectrum_root.hpp"
#include "spectrum_stages.hpp"

namespace mltk {
namespace {

template <>
struct Ops<float> {
  using Bits = int32_t;
  static float to_lane(int32_t n) { return static_cast<float>(n); }
  static float root(float x) { return exact_root(x); }
  static float at_least(float x, float floor) { return x > floor ? x : floor; }
};

struct Scratch {
  float* row;  // [fft_length]
  Work<float> work;
};

Scratch divide(const SpectrumTables& t, Arena& arena) {
  Scratch s;
  s.row = arena.take<float>(t.shape.fft_length);
  s.work = divide_work<float>(t, arena);
  return s;
}

size_t scratch_bytes(const SpectrumTables& t) {
  Arena arena(nullptr);
  divide(t, arena);
  return arena.used();
}

void compute(const SpectrumTables& t, const int16_t* samples, int count, void* scratch, float* out) {
  Arena arena(scratch);
  const Scratch s = divide(t, arena);
  const size_t features = t.shape.features;
  for (int frame = 0; frame < count; ++frame) {
    apply_window(t, samples + frame * t.shape.hop, s.row);
    for (int i = 0; i < t.half; ++i) s.work.spectrum[t.order[i]] = {s.row[2 * i], s.row[2 * i + 1]};
    compute_features(t, s.work);
    memcpy(out + frame * features, s.work.features, features * sizeof(float));
  }
}

}  // namespace

const SpectrumKernels& portable_spectrum() {
  static constexpr SpectrumKernels kernels = {1, scratch_bytes, compute};
  return kernels;
}

}  // namespace mltk
