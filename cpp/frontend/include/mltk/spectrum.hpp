// The float32 front end: 16-bit mono samples in, columns of log spectra, mel bands or cepstra out.
//
// Stages, in order: pre-emphasis, mean of the frame removed, window, real FFT, magnitude or power, filter
// bank, logarithm, cosine transform, normalisation, stacking of frames. Every operation is one of IEEE single
// precision, in an order that does not depend on the machine, so that training and device see the same bits.
// Compile with contraction off (-ffp-contract=off).
//
// As in frontend.hpp, nothing here throws or allocates: the caller asks for sizes and hands over memory.
// Tables are read-only once built, so any number of streams may share them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mltk/frontend.hpp"

namespace mltk {

enum class SampleScale : uint8_t { kUnit, kInt16 };               ///< samples count as -1..1, or as they are
enum class WindowFunction : uint8_t { kHann, kHamming };          ///< of the frame
enum class FilterbankScale : uint8_t { kSlaney, kHtk, kLinear };  ///< kLinear: the FFT's own bins
enum class FilterbankTriangles : uint8_t { kHz, kMel };           ///< over what their sides are straight
enum class SpectrumLog : uint8_t { kNone, kLn, kLog1p, kDb };

/// A number for each value of a frame, or none. A view: the numbers must live until the tables are built.
struct FeatureValues {
  const float* values = nullptr;
  int32_t count = 0;
};

/// Settings; the Python class of the same name says what each does. Unit: as the name says.
/// setting_fields.hpp lists them once more.
struct SpectrumSettings {
  int32_t sample_rate_hz = 16000;
  int32_t sample_length_ms = 1000;
  int32_t window_size_ms = 25;
  int32_t window_step_ms = 10;
  SampleScale sample_scale = SampleScale::kUnit;
  float pre_emphasis = 0.0f;
  bool remove_mean = false;
  WindowFunction window_function = WindowFunction::kHann;
  bool window_periodic = true;
  int32_t power = 2;
  FilterbankScale filterbank_scale = FilterbankScale::kSlaney;
  FilterbankTriangles filterbank_triangles = FilterbankTriangles::kHz;
  bool filterbank_normalize = true;
  int32_t filterbank_n_channels = 40;
  float filterbank_lower_band_limit = 20.0f;
  float filterbank_upper_band_limit = 7600.0f;
  SpectrumLog log = SpectrumLog::kDb;
  float log_floor = 1e-10f;
  int32_t mfcc_count = 0;
  int32_t mfcc_first = 0;
  int32_t cascade = 1;
  bool cascade_slide = true;
  float mean = 0.0f;
  float std = 1.0f;
  FeatureValues means;
  FeatureValues stds;
  float scale_minimum = -80.0f;
  float scale_maximum = 20.0f;
};

/// Why settings or a memory block were refused.
enum class SpectrumStatus : uint8_t {
  kOk,
  kSampleRate,  ///< sample rate outside 1000..192000 Hz
  kWindow,      ///< frame outside 16..8192 samples, or a column longer than the clip
  kStep,        ///< step shorter than one sample or longer than the frame
  kEmphasis,    ///< pre-emphasis outside 0..1
  kChoice,      ///< a choice or a power that there is not
  kBandLimits,  ///< not 0 <= lower < upper <= half the sample rate
  kChannels,    ///< bands outside 1..512, a mel band without a bin, or more bins than lie between the limits
  kLog,         ///< floor outside 1e-30..1e10
  kCepstrum,    ///< coefficients that the bands do not give
  kCascade,     ///< frames outside 1..256, or more than 65536 values in a column
  kScale,       ///< mean, std or scale out of range, or not one for each value of a frame
  kMemory,      ///< block too small or not aligned to kFrontendAlignment
};

/// One English sentence for a status.
const char* describe(SpectrumStatus status);

/// Sizes that follow from the settings, in samples unless said otherwise.
struct SpectrumShape {
  int32_t frame;   ///< samples of one FFT
  int32_t hop;     ///< from one frame to the next
  int32_t window;  ///< heard by one column: a frame, or all that are stacked
  int32_t step;    ///< from one column to the next
  int32_t fft_length;
  int32_t clip;
  int32_t columns;   ///< columns of one clip
  int32_t channels;  ///< values of one column
  int32_t features;  ///< values of one frame: bands or coefficients
};

/// Checks every setting, and derives the sizes when all are in range.
SpectrumStatus check(const SpectrumSettings& settings, SpectrumShape* shape);

struct SpectrumTables;  // read-only after build_tables
struct SpectrumStream;  // one stream of audio

/// Bytes of the block that build_tables needs, or 0 when the settings are refused.
size_t tables_bytes(const SpectrumSettings& settings);

/// Builds the tables in `block`. On success `*tables` points into the block, which must outlive it.
SpectrumStatus build_tables(const SpectrumSettings& settings, void* block, size_t bytes,
                            const SpectrumTables** tables);

const SpectrumShape& shape_of(const SpectrumTables& tables);

/// As of the other front end: never, the scale is one of the settings.
inline bool scales_by_window(const SpectrumTables&) { return false; }

/// Bytes of the block that open_stream needs.
size_t stream_bytes(const SpectrumTables& tables, FrontendPath path);

/// Opens a stream in `block`; the tables and the block must outlive it.
SpectrumStatus open_stream(const SpectrumTables& tables, FrontendPath path, void* block, size_t bytes,
                           SpectrumStream** stream);

/// Forgets everything heard.
void reset(SpectrumStream& stream);

/// Columns that `process` would write for `count` more samples.
size_t columns_after(const SpectrumStream& stream, size_t count);

/// Takes `count` samples and writes the columns they complete, each `channels` values, to `columns`.
/// Returns the number of columns. How a signal is cut into calls never changes a column.
size_t process(SpectrumStream& stream, const int16_t* samples, size_t count, float* columns);

/// Quantises values to int8: `scale_minimum` and below becomes -128, `scale_maximum` and above 127, and
/// between them floor(255 (v - minimum) / (maximum - minimum) + 0.5) - 128. NaN becomes -128.
void quantise(const SpectrumTables& tables, const float* values, size_t count, int8_t* out);

}  // namespace mltk
