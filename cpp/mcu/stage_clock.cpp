#include "stage_clock.hpp"

#include "machine.hpp"

namespace mltk {
namespace {

uint64_t ticks[kStages];
uint32_t calls[kStages];
uint64_t last;
uint64_t calls_cost;  // of kCalls calls
constexpr uint32_t kCalls = 64;

}  // namespace

void stage_done(Stage stage) {
  const auto index = static_cast<int>(stage);
  ticks[index] += machine::now() - last;
  calls[index] += 1;
  last = machine::now();  // what this function did in between is not counted
}

void calibrate_stages() {
  begin_hop();
  for (uint32_t i = 0; i < kCalls; i += 4) {  // four in a row, so that the loop hardly counts
    stage_done(Stage::kMove);
    stage_done(Stage::kMove);
    stage_done(Stage::kMove);
    stage_done(Stage::kMove);
  }
  calls_cost = ticks[static_cast<int>(Stage::kMove)];
  for (int i = 0; i < kStages; ++i) ticks[i] = calls[i] = 0;
}

void begin_hop() { last = machine::now(); }

uint64_t stage_ticks(Stage stage) {
  const auto index = static_cast<int>(stage);
  const uint64_t cost = calls_cost * calls[index] / kCalls;
  return ticks[index] > cost ? ticks[index] - cost : 0;
}

}  // namespace mltk
