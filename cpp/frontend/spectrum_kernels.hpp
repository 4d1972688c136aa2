// The two implementations of the heavy work, with the same results.
#pragma once

#include "spectrum_tables.hpp"

namespace mltk {

struct SpectrumKernels {
  int frames;  ///< frames that `compute` handles at once
  size_t (*scratch_bytes)(const SpectrumTables&);
  /// `count` <= `frames` frames, `shape.hop` samples apart, to `count` rows of `shape.features` values.
  void (*compute)(const SpectrumTables&, const int16_t* samples, int count, void* scratch, float* out);
};

const SpectrumKernels& portable_spectrum();

/// Null where the compiler or the processor has no AVX2.
const SpectrumKernels* avx2_spectrum();

}  // namespace mltk
