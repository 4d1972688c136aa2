// Builds the tables in double precision and rounds each entry once.
#include "spectrum_tables.hpp"

#include <string.h>

#include "maths.hpp"

namespace mltk {
namespace {

constexpr double kLn10 = 2.302585092994045684;

// The arrays of a SpectrumTables while they are being filled.
struct Arrays {
  float* window;
  uint16_t* order;
  Rotation *rotations, *separations;
  Band* bank;
  float *weights, *cosines, *means, *inverse_stds;
};

Arrays lay_out(const SpectrumSettings& s, const SpectrumShape& shape, Arena& arena) {
  const size_t half = shape.fft_length / 2, bands = s.filterbank_n_channels;
  const bool linear = s.filterbank_scale == FilterbankScale::kLinear;
  Arrays a;
  a.window = arena.take<float>(shape.frame);
  a.order = arena.take<uint16_t>(half);
  a.rotations = arena.take<Rotation>(half);
  a.separations = arena.take<Rotation>(half / 2 + 1);
  a.bank = arena.take<Band>(linear ? 1 : bands);
  // A bin lies in two bands at most.
  a.weights = arena.take<float>(linear ? 0 : 2 * (half + 1));
  a.cosines = arena.take<float>(s.mfcc_count * bands);
  a.means = arena.take<float>(s.means.count > 0 ? s.means.count : 1);
  a.inverse_stds = arena.take<float>(s.stds.count > 0 ? s.stds.count : 1);
  return a;
}

void refer_to(const Arrays& a, SpectrumTables& t) {
  t.window = a.window;
  t.order = a.order;
  t.rotations = a.rotations;
  t.separations = a.separations;
  t.bank = a.bank;
  t.weights = a.weights;
  t.cosines = a.cosines;
  t.means = a.means;
  t.inverse_stds = a.inverse_stds;
}

// Hann and Hamming: a - (1 - a) cos(2 pi n / N), periodic over the frame or symmetric in it.
void fill_window(const SpectrumSettings& s, const SpectrumShape& shape, float* window) {
  const double a = s.window_function == WindowFunction::kHann ? 0.5 : 0.54;
  const double scale = s.sample_scale == SampleScale::kUnit ? 1.0 / 32768 : 1.0;
  const int32_t period = s.window_periodic ? shape.frame : shape.frame - 1;
  for (int32_t i = 0; i < shape.frame; ++i) {
    window[i] = static_cast<float>(scale * (a - (1 - a) * cosine(2 * kPi * i / period)));
  }
}

Rotation rotation(double phase) {
  return {static_cast<float>(cosine(phase)), static_cast<float>(sine(phase))};
}

void fill_fft(int half, const Arrays& a) {
  for (int i = 0; i < half; ++i) a.rotations[i] = rotation(-2 * kPi * i / half);
  for (int i = 0; i <= half / 2; ++i) {
    a.separations[i] = rotation(-kPi * (static_cast<double>(i) / half + 0.5));
  }
  fill_fft_order(half, a.order);
}

// Rises in a straight line from `low` to `centre` and falls to `high`.
struct Triangle {
  double low, centre, high;

  double at(double x) const {
    const double rise = (x - low) / (centre - low), fall = (high - x) / (high - centre);
    return rise < fall ? rise : fall;
  }
};

// Triangles over the edges; normalised, each has the height that gives an area of 1 over frequency in Hz.
void fill_bank(const SpectrumSettings& s, const SpectrumTables& t, const Arrays& a) {
  if (t.linear) {
    a.bank[0].first = first_bin(s, t.shape);
    a.bank[0].end = a.bank[0].first + t.bands;
    return;
  }
  const BandEdges edges(s);
  const double hz_per_bin = static_cast<double>(s.sample_rate_hz) / t.shape.fft_length;
  const bool mel = s.filterbank_triangles == FilterbankTriangles::kMel;
  const auto position = [&](double hz) { return mel ? edges.mels(hz) : hz; };
  int32_t used = 0;
  for (int32_t i = 0; i < t.bands; ++i) {
    const double low = edges[i], centre = edges[i + 1], high = edges[i + 2];
    const double height = s.filterbank_normalize ? 2 / (high - low) : 1.0;
    Band& band = a.bank[i];
    band = bins_between(low / hz_per_bin, high / hz_per_bin);
    band.weights = used;
    const Triangle triangle = {position(low), position(centre), position(high)};
    for (int32_t bin = band.first; bin < band.end; ++bin) {
      a.weights[used++] = static_cast<float>(height * triangle.at(position(bin * hz_per_bin)));
    }
  }
}

// The orthonormal DCT-II.
void fill_cosines(const SpectrumSettings& s, float* out) {
  const int32_t bands = s.filterbank_n_channels;
  for (int32_t i = 0; i < s.mfcc_count; ++i) {
    const int32_t k = s.mfcc_first + i;
    const double norm = square_root((k == 0 ? 1.0 : 2.0) / bands);
    for (int32_t m = 0; m < bands; ++m) {
      *out++ = static_cast<float>(norm * cosine(kPi * k * (2 * m + 1) / (2 * bands)));
    }
  }
}

void fill_scale(const SpectrumSettings& s, const Arrays& a, SpectrumTables& t) {
  t.mean_step = s.means.count > 0 ? 1 : 0;
  t.std_step = s.stds.count > 0 ? 1 : 0;
  a.means[0] = s.mean;
  a.inverse_stds[0] = 1.0f / s.std;
  for (int32_t i = 0; i < s.means.count; ++i) a.means[i] = s.means.values[i];
  for (int32_t i = 0; i < s.stds.count; ++i) a.inverse_stds[i] = 1.0f / s.stds.values[i];
  t.scale_minimum = s.scale_minimum;
  t.scale_factor = 255.0f / (s.scale_maximum - s.scale_minimum);
}

void fill_rest(const SpectrumSettings& s, SpectrumTables& t) {
  t.half = t.shape.fft_length / 2;
  t.bands = s.filterbank_n_channels;
  t.linear = s.filterbank_scale == FilterbankScale::kLinear;
  t.coefficients = s.mfcc_count;
  t.pre_emphasis = s.pre_emphasis;
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
  SpectrumShape shape;
  if (check(settings, &shape) != SpectrumStatus::kOk) return 0;
  Arena arena(nullptr);
  arena.take<SpectrumTables>(1);
  lay_out(settings, shape, arena);
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
  const Arrays arrays = lay_out(settings, shape, arena);
  refer_to(arrays, t);
  fill_rest(settings, t);
  fill_window(settings, shape, arrays.window);
  fill_fft(t.half, arrays);
  fill_bank(settings, t, arrays);
  fill_cosines(settings, arrays.cosines);
  fill_scale(settings, arrays, t);
  *tables = &t;
  return SpectrumStatus::kOk;
}

const SpectrumShape& shape_of(const SpectrumTables& tables) { return tables.shape; }

}  // namespace mltk
