// What the parts of the float32 front end share: its tables, and the edges of its bands.
#pragma once

#include "mltk/spectrum.hpp"
#include "tables.hpp"

namespace mltk {

struct Rotation {
  float re, im;
};

/// FFT bins of one band; `weights` counts from the first weight of the bank.
struct Band {
  int32_t first, end, weights;
};

/// Built in memory by `build_tables`, or constants that apps/tables has written; it names every
/// field, in this order.
struct SpectrumTables {
  SpectrumShape shape;
  int32_t half;                 // length of the complex FFT: fft_length / 2
  const float* window;          // [shape.frame], with the scale of the samples in it
  const uint16_t* order;        // [half]: where the FFT wants each complex sample
  const Rotation* rotations;    // [half]
  const Rotation* separations;  // [half / 2 + 1]
  int32_t bands;
  const Band* bank;      // [bands]
  const float* weights;  // empty when the bands are bins
  const float* cosines;  // [mfcc_count][bands]

  float pre_emphasis;
  bool remove_mean, magnitude, linear, slide;
  SpectrumLog log;
  float log_floor, log_gain;
  int32_t coefficients;
  int32_t cascade;
  int32_t mean_step, std_step;  // 1: one for each value of a frame, 0: the same for all
  const float* means;           // [features], or one
  const float* inverse_stds;    // likewise
  float scale_minimum, scale_factor;
};

/// Edges of mel bands in Hz: band i rises from edge i to edge i + 1 and falls to edge i + 2.
class BandEdges {
 public:
  explicit BandEdges(const SpectrumSettings& settings);
  double operator[](int32_t i) const;

  /// A frequency in mels of the bands' scale.
  double mels(double hz) const;

 private:
  bool htk_;
  int32_t last_;
  double low_hz_, high_hz_, low_, spacing_;
};

/// Frequencies this near to a bin, in bins, count as on it.
constexpr double kNearBin = 1e-6;
constexpr int32_t kMostBins = 4097;

/// The bins between two frequencies, which are given in bins; one on an edge, where its weight is 0, is left
/// out.
Band bins_between(double low, double high);

/// The lowest bin that is not below the lower limit.
int32_t first_bin(const SpectrumSettings& settings, const SpectrumShape& shape);

}  // namespace mltk
