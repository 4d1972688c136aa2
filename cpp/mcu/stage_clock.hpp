// Ticks by stage, for a front end built with MLTK_COUNT_STAGES.
#pragma once

#include "stages.hpp"

namespace mltk {

/// Measures what a call of stage_done costs, which is taken off from then on.
void calibrate_stages();

/// The time up to here belongs to no stage.
void begin_hop();

/// Ticks of a stage since calibrate_stages.
uint64_t stage_ticks(Stage stage);

}  // namespace mltk
