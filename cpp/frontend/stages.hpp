// Where the time goes: a build that defines MLTK_COUNT_STAGES supplies `stage_done` (mcu/stage_clock.cpp); in
// every other build the calls are empty.
#pragma once

#include <stdint.h>

namespace mltk {

/// The parts of one hop, in the order in which they end.
enum class Stage : uint8_t {
  kNotch,
  kWindow,
  kLoad,
  kFft,
  kFilterBank,
  kSquareRoots,
  kActivity,
  kNoiseReduction,
  kPcan,
  kLog,
  kMove
};
constexpr int kStages = 11;

#ifdef MLTK_COUNT_STAGES
/// What ran since the last call, or since the hop began, was this stage.
void stage_done(Stage stage);
#else
inline void stage_done(Stage) {}
#endif

}  // namespace mltk
