// The float32 front end hop by hop over samples.bin (int16), or, where there is none, over two seconds of
// noise that swells and fades: writes columns.bin (float32) and bytes.bin (int8, each column as the net is
// given it); prints the instructions of a hop as JSON.
#include "hop_report.hpp"
#include "machine.hpp"
#include "mltk/spectrum.hpp"
#include "signal.hpp"

namespace mltk {
extern const SpectrumTables mcu_tables;
}

namespace {

constexpr size_t kMaxStep = 8192, kMaxValues = 4096;

alignas(mltk::kFrontendAlignment) unsigned char block[131072];
int16_t samples[kMaxStep];
float column[kMaxValues];
int8_t bytes[kMaxValues];

using machine::HopReport;

// One hop; true when it gave a column.
bool hear(mltk::SpectrumStream& stream, const mltk::SpectrumShape& shape, HopReport& report) {
  if (mltk::columns_after(stream, shape.step) == 0) {
    mltk::process(stream, samples, shape.step, column);
    return false;
  }
  report.count_hop([&] { mltk::process(stream, samples, shape.step, column); });
  machine::count_ticks(report.quantised,
                       [&] { mltk::quantise(mltk::mcu_tables, column, shape.channels, bytes); });
  return true;
}

int run(mltk::SpectrumStream& stream, const mltk::SpectrumShape& shape, HopReport& report) {
  Signal signal;
  const int columns = machine::open("columns.bin", machine::Mode::kWrite);
  const int quantised = machine::open("bytes.bin", machine::Mode::kWrite);
  if (columns < 0 || quantised < 0) return 3;
  bool written = true;
  while (written && signal.next(samples, shape.step)) {
    if (!hear(stream, shape, report)) continue;
    written = machine::write(columns, column, shape.channels * sizeof(float)) &&
              machine::write(quantised, bytes, shape.channels);
  }
  return written ? 0 : 4;
}

}  // namespace

int main() {
  machine::start_clock();
  const uint64_t spun = machine::calibration();
  const mltk::SpectrumShape& shape = mltk::shape_of(mltk::mcu_tables);
  const bool fits =
      static_cast<size_t>(shape.step) <= kMaxStep && static_cast<size_t>(shape.channels) <= kMaxValues;
  auto* stream = machine::open_hops<mltk::SpectrumStream>(mltk::mcu_tables, block, sizeof(block), fits);
  if (stream == nullptr) return 2;
  HopReport report;
  const int status = run(*stream, shape, report);
  machine::print("{");
  machine::field("calibration", machine::instructions(spun));
  machine::field("hop", report.hops);
  machine::field("quantise", report.quantised);
  machine::field("stream_bytes", mltk::stream_bytes(mltk::mcu_tables, mltk::FrontendPath::kPortable));
  machine::field("stack_bytes", report.stack, "}\n");
  return status;
}
