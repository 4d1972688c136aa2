// Eight frames side by side, one in each float of a vector; the same numbers as spectrum_portable.cpp.
#include "spectrum_kernels.hpp"

#ifdef __AVX2__

#include <immintrin.h>

#include "spectrum_stages.hpp"

namespace mltk {
namespace {

constexpr int kLanes = 8;

typedef float Lane8 __attribute__((vector_size(32)));
typedef int32_t Bits8 __attribute__((vector_size(32)));

template <>
struct Ops<Lane8> {
  using Bits = Bits8;
  static Lane8 to_lane(Bits8 n) { return __builtin_convertvector(n, Lane8); }
  static Lane8 root(Lane8 x) { return _mm256_sqrt_ps(x); }
  static Lane8 at_least(Lane8 x, float floor) { return _mm256_max_ps(x, _mm256_set1_ps(floor)); }
};

// Eight rows of eight floats to eight columns.
inline void transpose8(const float* rows, size_t stride, Lane8* columns) {
  __m256 r[8], a[8], b[8];
  for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(rows + i * stride);
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    a[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    b[i] = _mm256_shuffle_ps(a[i], a[i + 2], 0x44);
    b[i + 1] = _mm256_shuffle_ps(a[i], a[i + 2], 0xEE);
    b[i + 2] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0x44);
    b[i + 3] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {
    columns[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
    columns[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
  }
}

struct Scratch {
  float* rows;  // [kLanes][fft_length]
  Work<Lane8> work;
};

Scratch divide(const SpectrumTables& t, Arena& arena) {
  Scratch s;
  s.rows = arena.take<float>(size_t{kLanes} * t.shape.fft_length);
  s.work = divide_work<Lane8>(t, arena);
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
  const size_t length = t.shape.fft_length;
  for (int frame = 0; frame < count; ++frame) {
    apply_window(t, samples + frame * t.shape.hop, s.rows + frame * length);
  }
  memset(s.rows + count * length, 0, (kLanes - count) * length * sizeof(float));
  for (int i = 0; i < t.half; i += 4) {
    Lane8 columns[8];
    transpose8(s.rows + 2 * i, length, columns);
    for (int j = 0; j < 4; ++j) s.work.spectrum[t.order[i + j]] = {columns[2 * j], columns[2 * j + 1]};
  }
  compute_features(t, s.work);
  for (int frame = 0; frame < count; ++frame) {
    float* row = out + static_cast<size_t>(frame) * t.shape.features;
    for (int i = 0; i < t.shape.features; ++i) row[i] = s.work.features[i][frame];
  }
}

}  // namespace

const SpectrumKernels* avx2_spectrum() {
  static constexpr SpectrumKernels kernels = {kLanes, scratch_bytes, compute};
  return __builtin_cpu_supports("avx2") ? &kernels : nullptr;
}

}  // namespace mltk

#else

namespace mltk {
const SpectrumKernels* avx2_spectrum() { return nullptr; }
}  // namespace mltk

#endif
