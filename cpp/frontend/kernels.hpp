// The two implementations of the heavy work, with the same results.
#pragma once

#include "tables.hpp"

namespace mltk {

struct Activity {
  int64_t fast, slow;
  bool armed, tripped;
};

/// What passes from one column to the next.
struct Levels {
  uint32_t* noise;  // [channels]
  Activity activity;
};

struct Kernels {
  int frames;  ///< frames that `columns` handles at once
  size_t (*scratch_bytes)(const FrontendTables&);
  /// `count` <= `frames` frames, `shape.step` samples apart, to columns.
  void (*columns)(const FrontendTables&, Levels&, const int16_t* samples, int count, void* scratch,
                  uint16_t* out);
  void (*notch)(int16_t coefficient, int16_t* last_in, int16_t* last_out, const int16_t* in, size_t count,
                int16_t* out);
  void (*quantise)(const FrontendTables&, const uint16_t* values, size_t count, int8_t* out);
};

const Kernels& portable_kernels();

/// Null where the compiler or the processor has no AVX2.
const Kernels* avx2_kernels();

const Kernels& kernels_for(FrontendPath path);

}  // namespace mltk
