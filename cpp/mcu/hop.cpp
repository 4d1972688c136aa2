// The front end hop by hop over samples.bin (int16), or, where there is none, over two seconds of noise that
// swells and fades: writes columns.bin (uint16), and windows.bin (int8), a
// quantised clip at every tenth column from the first whole clip on; prints the instructions of a hop as
// JSON.
#include <string.h>

#include "hop_report.hpp"
#include "kernels.hpp"
#include "machine.hpp"
#include "mltk/frontend.hpp"
#include "signal.hpp"
#ifdef MLTK_COUNT_STAGES
#include "stage_clock.hpp"
#endif

namespace mltk {
extern const FrontendTables mcu_tables;
}

namespace {

constexpr int kColumnsPerWindow = 10;
constexpr size_t kMaxStep = 1024, kMaxValues = 40960;

alignas(mltk::kFrontendAlignment) unsigned char block[32768];
int16_t samples[kMaxStep];
uint16_t clip[kMaxValues];  // the last columns, the oldest first
int8_t window[kMaxValues];

using machine::HopReport;

#ifdef MLTK_COUNT_STAGES
constexpr const char* kStageNames[mltk::kStages] = {
    "notch",    "window",          "fft_load", "fft", "filter_bank", "square_roots",
    "activity", "noise_reduction", "pcan",     "log", "move"};

void begin_hop() { mltk::begin_hop(); }

void print_stages(uint64_t hops) {
  machine::print("\"stages\": {");
  for (int i = 0; i < mltk::kStages; ++i) {
    const uint64_t ticks = mltk::stage_ticks(static_cast<mltk::Stage>(i));
    machine::field(kStageNames[i], hops > 0 ? machine::instructions(ticks / hops) : 0,
                   i + 1 < mltk::kStages ? ", " : "}, ");
  }
}
#else
void begin_hop() {}
void print_stages(uint64_t) {}
#endif

// One hop; true when it gave a column, which `clip` then ends with.
bool hear(mltk::FrontendStream& stream, const mltk::FrontendShape& shape, HopReport& report) {
  const size_t kept = static_cast<size_t>(shape.columns - 1) * shape.channels;
  uint16_t* column = clip + kept;
  if (mltk::columns_after(stream, shape.step) == 0) {
    mltk::process(stream, samples, shape.step, column);
    return false;
  }
  memmove(clip, clip + shape.channels, kept * sizeof(uint16_t));
  report.count_hop([&] {
    begin_hop();
    mltk::process(stream, samples, shape.step, column);
  });
  return true;
}

void quantise(const mltk::FrontendShape& shape, HopReport& report) {
  const size_t values = static_cast<size_t>(shape.columns) * shape.channels;
  machine::count_ticks(report.quantised, [&] { mltk::quantise(mltk::mcu_tables, clip, values, window); });
}

int run(mltk::FrontendStream& stream, const mltk::FrontendShape& shape, HopReport& report) {
  Signal signal;
  const int columns = machine::open("columns.bin", machine::Mode::kWrite);
  const int windows = machine::open("windows.bin", machine::Mode::kWrite);
  if (columns < 0 || windows < 0) return 3;
  const size_t values = static_cast<size_t>(shape.columns) * shape.channels;
  bool written = true;
  for (int heard = 0; written && signal.next(samples, shape.step);) {
    if (!hear(stream, shape, report)) continue;
    ++heard;
    written = machine::write(columns, clip + values - shape.channels, shape.channels * sizeof(uint16_t));
    if (heard < shape.columns || (heard - shape.columns) % kColumnsPerWindow != 0) continue;
    quantise(shape, report);
    written = written && machine::write(windows, window, values);
  }
  return written ? 0 : 4;
}

}  // namespace

int main() {
  machine::start_clock();
  const uint64_t spun = machine::calibration();
#ifdef MLTK_COUNT_STAGES
  mltk::calibrate_stages();
#endif
  const mltk::FrontendShape& shape = mltk::shape_of(mltk::mcu_tables);
  const bool fits = static_cast<size_t>(shape.step) <= kMaxStep &&
                    static_cast<size_t>(shape.columns) * shape.channels <= kMaxValues;
  auto* stream = machine::open_hops<mltk::FrontendStream>(mltk::mcu_tables, block, sizeof(block), fits);
  if (stream == nullptr) return 2;
  HopReport report;
  const int status = run(*stream, shape, report);
  machine::print("{");
  machine::field("calibration", machine::instructions(spun));
  machine::field("hop", report.hops);
  print_stages(report.hops.count);
  machine::field("quantise", report.quantised);
  machine::field("stream_bytes", mltk::stream_bytes(mltk::mcu_tables, mltk::FrontendPath::kPortable));
  machine::field("stack_bytes", report.stack, "}\n");
  return status;
}
