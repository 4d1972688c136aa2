// The audio front end: 16-bit mono samples in, one column of band levels out per hop.
//
// Stages, in order: DC notch, Hann window, fixed-point FFT, mel filter bank with square root, activity
// detection, noise reduction, PCAN gain, log. All per-hop arithmetic is integer arithmetic whose results do
// not depend on the machine, so that training and device see the same numbers.
//
// Nothing here throws, allocates or needs a maths library. The caller asks for sizes and hands over memory;
// tables are built once, or are constants that apps/tables has written, and are read-only
// afterwards, so any number of streams may share them.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mltk {

/// Settings, with MLTK's names and defaults. Unit: as the name says. setting_fields.hpp lists them once more.
struct FrontendSettings {
  int32_t sample_rate_hz = 16000;
  int32_t sample_length_ms = 1000;
  int32_t window_size_ms = 25;
  int32_t window_step_ms = 10;
  int32_t filterbank_n_channels = 32;
  float filterbank_upper_band_limit = 7500.0f;
  float filterbank_lower_band_limit = 125.0f;
  bool noise_reduction_enable = false;
  int32_t noise_reduction_smoothing_bits = 10;
  float noise_reduction_even_smoothing = 0.025f;
  float noise_reduction_odd_smoothing = 0.06f;
  float noise_reduction_min_signal_remaining = 0.05f;
  bool pcan_enable = false;
  float pcan_strength = 0.95f;
  float pcan_offset = 80.0f;
  int32_t pcan_gain_bits = 21;
  bool log_scale_enable = true;
  int32_t log_scale_shift = 6;
  bool activity_detection_enable = false;
  float activity_detection_alpha_a = 0.5f;
  float activity_detection_alpha_b = 0.8f;
  float activity_detection_arm_threshold = 0.75f;
  float activity_detection_trip_threshold = 0.8f;
  bool dc_notch_filter_enable = false;
  float dc_notch_filter_coefficient = 0.95f;
  bool quantize_dynamic_scale_enable = false;
  float quantize_dynamic_scale_range_db = 40.0f;
};

/// Why settings or a memory block were refused.
enum class FrontendStatus : uint8_t {
  kOk,
  kSampleRate,      ///< sample rate outside 1000..192000 Hz
  kWindow,          ///< window outside 16..8192 samples, or longer than the clip
  kStep,            ///< step shorter than one sample or longer than the window
  kChannels,        ///< bands outside 1..512, or more than two for each FFT bin between the limits
  kBandLimits,      ///< not 0 <= lower < upper <= half the sample rate
  kNoiseReduction,  ///< smoothing bits outside 0..16, or a coefficient outside 0..1
  kPcan,            ///< PCAN without noise reduction, or a gain that its integers cannot hold
  kLogScale,        ///< shift outside 0..11
  kActivity,        ///< a coefficient outside 0..1, or a threshold outside 0..7.99
  kNotch,           ///< coefficient outside [0, 1)
  kQuantise,        ///< range outside 1..200 dB
  kMemory,          ///< block too small or not aligned to kFrontendAlignment
};

/// One English sentence for a status.
const char* describe(FrontendStatus status);

/// Sizes that follow from the settings, in samples unless said otherwise.
struct FrontendShape {
  int32_t window;
  int32_t step;
  int32_t fft_length;
  int32_t clip;
  int32_t columns;   ///< columns of one clip
  int32_t channels;  ///< bands of one column
};

/// Checks every setting, and derives the sizes when all are in range.
FrontendStatus check(const FrontendSettings& settings, FrontendShape* shape);

constexpr size_t kFrontendAlignment = 64;

struct FrontendTables;  // read-only after build_tables
struct FrontendStream;  // one stream of audio

/// Bytes of the block that build_tables needs, or 0 when the settings are refused.
size_t tables_bytes(const FrontendSettings& settings);

/// Builds the tables in `block`. On success `*tables` points into the block, which must outlive it.
FrontendStatus build_tables(const FrontendSettings& settings, void* block, size_t bytes,
                            const FrontendTables** tables);

const FrontendShape& shape_of(const FrontendTables& tables);

/// How a stream works: one hop at a time with little memory, or many hops side by side where the processor
/// has vector instructions (else as kPortable). The columns are the same.
enum class FrontendPath : uint8_t { kPortable, kFastest };

/// Bytes of the block that open_stream needs.
size_t stream_bytes(const FrontendTables& tables, FrontendPath path);

/// Opens a stream in `block`; the tables and the block must outlive it.
FrontendStatus open_stream(const FrontendTables& tables, FrontendPath path, void* block, size_t bytes,
                           FrontendStream** stream);

/// Forgets everything heard.
void reset(FrontendStream& stream);

/// Columns that `process` would write for `count` more samples.
size_t columns_after(const FrontendStream& stream, size_t count);

/// Takes `count` samples and writes the columns they complete, each `channels` values, to `columns`.
/// Returns the number of columns. How a signal is cut into calls never changes a column.
size_t process(FrontendStream& stream, const int16_t* samples, size_t count, uint16_t* columns);

/// Whether the settings have an activity detector.
bool detects_activity(const FrontendTables& tables);

/// Whether `quantise` scales to the loudest value of what it is given, so that a window must be given whole.
bool scales_by_window(const FrontendTables& tables);

/// True once after the activity detector has tripped; reading clears it.
bool take_activity(FrontendStream& stream);

/// Quantises one window of `count` values to int8: static, q = (256 v + 333) / 666 - 128, or, when set,
/// dynamic: the loudest value maps to 127 and `range_db` below it to -128.
void quantise(const FrontendTables& tables, const uint16_t* values, size_t count, int8_t* out);

}  // namespace mltk
