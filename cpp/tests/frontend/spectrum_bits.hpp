// What the float32 front end gives for a fixed signal, as a number that every machine must come to. Needs no
// library, so that firmware may run it too.
#pragma once

#include "mltk/spectrum.hpp"

namespace mltk {

constexpr int kBlocksOfSettings = 6;
constexpr uint32_t kExpectedBits[kBlocksOfSettings] = {0xCB65D6BD, 0x794A952B, 0x31C18A65,
                                                       0x418552AA, 0x6B70EDC1, 0xCAB74E8B};

constexpr float kMeans[] = {60.0f, -4.5f, 1.0f, 0.25f}, kStds[] = {21.0f, 9.5f, 4.0f, 0.3f};

/// Settings that between them take every way through the stages.
inline SpectrumSettings settings_for_bits(int block) {
  SpectrumSettings s;
  if (block == 1) {
    s.sample_scale = SampleScale::kInt16;
    s.filterbank_scale = FilterbankScale::kHtk;
    s.log = SpectrumLog::kLn;
    s.mfcc_count = 20;
    s.cascade = 3;
    s.mean = 1.5f;
  } else if (block == 2) {
    s.window_size_ms = 16;
    s.window_step_ms = 8;
    s.remove_mean = true;
    s.window_function = WindowFunction::kHamming;
    s.window_periodic = false;
    s.power = 1;
    s.filterbank_scale = FilterbankScale::kLinear;
    s.filterbank_n_channels = 48;
    s.filterbank_lower_band_limit = 0.0f;
    s.log = SpectrumLog::kLog1p;
    s.std = 0.4f;
  } else if (block == 3) {
    s.window_size_ms = 64;
    s.window_step_ms = 64;
    s.power = 1;
    s.filterbank_normalize = false;
    s.log = SpectrumLog::kNone;
  } else if (block == 4) {
    s.log = SpectrumLog::kLn;
    s.mfcc_count = 4;
    s.cascade = 5;
    s.means = {kMeans, 4};
    s.stds = {kStds, 4};
  } else if (block == 5) {  // MLPerf Tiny's streaming wake word
    s.window_size_ms = 64;
    s.window_step_ms = 32;
    s.pre_emphasis = 0.96875f;
    s.window_function = WindowFunction::kHamming;
    s.window_periodic = false;
    s.filterbank_scale = FilterbankScale::kHtk;
    s.filterbank_triangles = FilterbankTriangles::kMel;
    s.filterbank_normalize = false;
    s.filterbank_lower_band_limit = 0.0f;
    s.filterbank_upper_band_limit = 8000.0f;
    s.log_floor = 1.024e-27f;
    s.mean = -21.897f;
    s.std = 64.0f;
  }
  return s;
}

/// FNV-1a of the bytes of all columns of 0.2 s of noise that swells, or 0 when the blocks are too small.
inline uint32_t spectrum_bits(const SpectrumSettings& settings, void* tables_block, size_t tables_size,
                              void* stream_block, size_t stream_size) {
  const SpectrumTables* tables;
  SpectrumStream* stream;
  if (build_tables(settings, tables_block, tables_size, &tables) != SpectrumStatus::kOk) return 0;
  if (open_stream(*tables, FrontendPath::kPortable, stream_block, stream_size, &stream) !=
      SpectrumStatus::kOk) {
    return 0;
  }
  uint32_t hash = 2166136261u, noise = 1;
  for (int i = 0; i < 3200; ++i) {
    noise = noise * 1664525u + 1013904223u;
    const int32_t level = 1 + (i * i >> 9);
    const auto sample = static_cast<int16_t>((static_cast<int32_t>(noise >> 16) - 32768) * level >> 15);
    float column[128];
    const size_t count = process(*stream, &sample, 1, column) * shape_of(*tables).channels;
    const auto* bytes = reinterpret_cast<const unsigned char*>(column);
    for (size_t j = 0; j < count * sizeof(float); ++j) hash = (hash ^ bytes[j]) * 16777619u;
  }
  return hash;
}

}  // namespace mltk
