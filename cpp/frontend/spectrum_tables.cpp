// Builds the tables in double precision and rounds each entry once.
#include "spectrum_tables.hpp"

#include <string.h>

#include "maths.hpp"

namespace mltk {
namespace {

constexpr double kLn10 = 2.302585092994045684;

void lay_out(const SpectrumSettings& s, Arena& arena, SpectrumTables& t) {
  t.half = t.shape.fft_length / 2;
  t.bands = s.filterbank_n_channels;
  t.linear = s.filterbank_scale == FilterbankScale::kLinear;
  t.coefficients = s.mfcc_count;
  t.window = arena.take<float>(t.shape.frame);
  t.order = arena.take<uint16_t>(t.half);
  t.rotations = arena.take<Rotation>(t.half);
  t.separations = arena.take<Rotation>(t.half / 2 + 1);
  t.bank = arena.take<Band>(t.linear ? 1 : t.bands);
  // A bin lies in two bands at most.
  t.weights = arena.take<float>(t.linear ? 0 : 2 * (t.half + 1));
  t.cosines = arena.take<float>(static_cast<size_t>(t.coefficients) * t.bands);
  t.means = arena.take<float>(s.means.count > 0 ? s.means.count : 1);
  t.inverse_stds = arena.take<float>(s.stds.count > 0 ? s.stds.count : 1);
}

// Hann and Hamming: a - (1 - a) cos(2 pi n / N), periodic over the frame or symmetric in it.
void fill_window(const SpectrumSettings& s, SpectrumTables& t) {
  const double a = s.window_function == WindowFunction::kHann ? 0.5 : 0.54;
  const double scale = s.sample_scale == SampleScale::kUnit ? 1.0 / 32768 : 1.0;
  const int32_t period = s.window_periodic ? t.shape.frame : t.shape.frame - 1;
  for (int32_t i = 0; i < t.shape.frame; ++i) {
    t.window[i] = static_cast<float>(scale * (a - (1 - a) * cosine(2 * kPi * i / period)));
  }
}

Rotation rotation(double phase) {
  return {static_cast<float>(cosine(phase)), static_cast<float>(sine(phase))};
}

void fill_fft(SpectrumTables& t) {
  for (int i = 0; i < t.half; ++i) t.rotations[i] = rotation(-2 * kPi * i / t.half);
  for (int i = 0; i <= t.half / 2; ++i) {
    t.separations[i] = rotation(-kPi * (static_cast<double>(i) / t.half + 0.5));
  }
  fill_fft_order(t.half, t.order);
}

// Triangles over the edges; normalised, each has an area of 1 over frequency in Hz.
void fill_bank(const SpectrumSettings& s, SpectrumTables& t) {
  if (t.linear) {
    t.bank[0].first = first_bin(s, t.shape);
    t.bank[0].end = t.bank[0].first + t.bands;
    return;
  }
  const BandEdges edges(s);
  const double hz_per_bin = static_cast<double>(s.sample_rate_hz) / t.shape.fft_length;
  int32_t used = 0;
  for (int32_t i = 0; i < t.bands; ++i) {
    const double low = edges[i], centre = edges[i + 1], high = edges[i + 2];
    const double height = s.filterbank_normalize ? 2 / (high - low) : 1.0;
    Band& band = t.bank[i];
    band = bins_between(low / hz_per_bin, high / hz_per_bin);
    band.weights = used;
    for (int32_t bin = band.first; bin < band.end; ++bin) {
      const double hz = bin * hz_per_bin;
      const double rise = (hz - low) / (centre - low), fall = (high - hz) / (high - centre);
      t.weights[used++] = static_cast<float>(height * (rise < fall ? rise : fall));
    }
  }
}

// The orthonormal DCT-II.
void fill_cosines(const SpectrumSettings& s, SpectrumTables& t) {
  float* out = t.cosines;
  for (int32_t i = 0; i < t.coefficients; ++i) {
    const int32_t k = s.mfcc_first + i;
    const double norm = square_root((k == 0 ? 1.0 : 2.0) / t.bands);
    for (int32_t m = 0; m < t.bands; ++m) {
      *out++ = static_cast<float>(norm * cosine(kPi * k * (2 * m + 1) / (2 * t.bands)));
    }
  }
}

void fill_scale(const SpectrumSettings& s, SpectrumTables& t) {
  t.mean_step = s.means.count > 0 ? 1 : 0;
  t.std_step = s.stds.count > 0 ? 1 : 0;
  t.means[0] = s.mean;
  t.inverse_stds[0] = 1.0f / s.std;
  for (int32_t i = 0; i < s.means.count; ++i) t.means[i] = s.means.values[i];
  for (int32_t i = 0; i < s.stds.count; ++i) t.inverse_stds[i] = 1.0f / s.stds.values[i];
  t.scale_minimum = s.scale_minimum;
  t.scale_factor = 255.0f / (s.scale_maximum - s.scale_minimum);
}

void fill_rest(const SpectrumSettings& s, SpectrumTables& t) {
  t.remove_mean = s.remove_mean;
  t.magnitude = s.power == 1;
  t.slide = s.cascade_slide;
  t.log = s.log;
  t.log_floor = s.log_floor;
  t.log_gain = s.log == SpectrumLog::kDb ? static_cast<float>((t.magnitude ? 20 : 10) / kLn10) : 1.0f;
  t.cascade = s.cascade;
}

}  // namespace

size_t tables_bytes(const SpectrumSettings& settings) {
  SpectrumTables t;
  if (check(settings, &t.shape) != SpectrumStatus::kOk) return 0;
  Arena arena(nullptr);
  arena.take<SpectrumTables>(1);
  lay_out(settings, arena, t);
  return arena.used();
}

SpectrumStatus build_tables(const SpectrumSettings& settings, void* block, size_t bytes,
                            const SpectrumTables** tables) {
  *tables = nullptr;
  SpectrumShape shape;
  const SpectrumStatus status = check(settings, &shape);
  if (status != SpectrumStatus::kOk) return status;
  if (!block_fits(block, bytes, tables_bytes(settings))) return SpectrumStatus::kMemory;
  Arena arena(block);
  SpectrumTables& t = *arena.take<SpectrumTables>(1);
  memset(&t, 0, sizeof(t));
  t.shape = shape;
  lay_out(settings, arena, t);
  fill_window(settings, t);
  fill_fft(t);
  fill_bank(settings, t);
  fill_cosines(settings, t);
  fill_scale(settings, t);
  fill_rest(settings, t);
  *tables = &t;
  return SpectrumStatus::kOk;
}

const SpectrumShape& shape_of(const SpectrumTables& tables) { return tables.shape; }

}  // namespace mltk
