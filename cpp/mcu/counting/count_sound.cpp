// Everything of a listening firmware but the net and the serial line, over noise that swells and fades:
// prints the instructions of a hop of the front end, of a window that is quantised for the net, and of a
// stretch of sound, in which the net's place is taken by nothing, as JSON.
#include <string.h>

#include "count_report.hpp"
#include "machine.hpp"
#include "mltk/net.hpp"
#include "model_constants.hpp"
#include "model_net.h"

namespace {

using FrontEnd = mltk::ModelFrontEnd;

constexpr size_t kWindow = size_t{mltk::kModelColumns} * mltk::kModelChannels;
constexpr size_t kClasses = sizeof mltk::kModelClasses / sizeof *mltk::kModelClasses;
constexpr bool kKeepsState = mltk::kModelStreamingRows != 0;
constexpr int32_t kLeastMs = 2000;  // of sound that is counted
constexpr size_t kPiece = 8192;     // samples of the longest hop

alignas(mltk::kFrontendAlignment) uint8_t block[mltk::kModelBlockBytes];
int16_t samples[kPiece];
FrontEnd::Value columns[kWindow];
int8_t window[kWindow], last[kKeepsState ? kWindow : 1];

void make_noise(size_t count) {
  static uint32_t made = 0, random = 1;
  for (size_t i = 0; i < count; ++i, ++made) {
    random = random * 1664525u + 1013904223u;
    const int swell = 15 - static_cast<int>(made >> 10 & 15);
    samples[i] = static_cast<int16_t>(static_cast<int32_t>(random) >> (16 + swell / 2));
  }
}

// What the firmware does around the net, and how often it would run it.
class Listener final : public mltk::PipelineSink {
 public:
  bool classify(const int8_t* heard, uint8_t* scores) override {
    const size_t fresh = mltk::new_bytes(heard, has_last_ ? last : nullptr, kWindow, MODEL_NET_INPUT_BYTES);
    if constexpr (kKeepsState) {
      memcpy(last, heard, kWindow);
      has_last_ = true;
    }
    runs += fresh / MODEL_NET_INPUT_BYTES;
    steps += 1;
    static const int8_t outputs[kClasses] = {};
    mltk::scores_of(outputs, mltk::NetValue::kInt8, kClasses, scores);
    return true;
  }

  uint32_t steps = 0, runs = 0;

 private:
  bool has_last_ = false;
};

struct Report {
  machine::Range hops, windows, sound;
  size_t stack = 0;
};

template <class Work>
void count(machine::Range& range, Report& report, Work work) {
  machine::paint_stack();
  machine::count_ticks(range, work);
  const size_t used = machine::stack_used();
  report.stack = used > report.stack ? used : report.stack;
}

// Values that are quantised at each step of the latency: the window, or its new columns where the scale
// stays.
template <class Shape>
size_t quantised_a_step(const Shape& shape) {
  const uint64_t samples = uint64_t{mltk::kModelSampleRateHz} * mltk::model_settings().latency_ms / 1000;
  const size_t fresh = static_cast<size_t>(samples / shape.step) * shape.channels;
  return mltk::scales_by_window(mltk::model_tables) || fresh > kWindow ? kWindow : fresh;
}

// The front end alone, until there is a whole window; then what a step does with it.
bool count_front_end(Report& report) {
  const auto& shape = mltk::shape_of(mltk::model_tables);
  typename FrontEnd::Stream* stream;
  // The pipeline's block has a stream's in it.
  mltk::open_stream(mltk::model_tables, mltk::FrontendPath::kPortable, block, sizeof block, &stream);
  if (stream == nullptr || static_cast<size_t>(shape.step) > kPiece) return false;
  for (int32_t column = 0; column < shape.columns;) {
    make_noise(shape.step);
    FrontEnd::Value* out = columns + static_cast<size_t>(column) * shape.channels;
    if (mltk::columns_after(*stream, shape.step) == 0) {
      mltk::process(*stream, samples, shape.step, out);
      continue;
    }
    count(report.hops, report, [&] { mltk::process(*stream, samples, shape.step, out); });
    ++column;
  }
  const size_t values = quantised_a_step(shape);
  count(report.windows, report, [&] { mltk::quantise(mltk::model_tables, columns, values, window); });
  return true;
}

void hear(mltk::Pipeline& pipeline, size_t count, size_t step, machine::Range* range) {
  uint64_t ticks = 0;
  for (size_t left = count; left > 0;) {
    const size_t piece = left < step ? left : step;
    make_noise(piece);
    machine::Range one;
    machine::count_ticks(one, [&] { pipeline.process(samples, piece); });
    ticks += one.sum;
    left -= piece;
  }
  if (range != nullptr) range->add(ticks);
}

}  // namespace

// Called in place of a function of an interface, if there were one that no class has.
extern "C" void __cxa_pure_virtual() { machine::fault(); }

int main() {
  machine::start_clock();
  const uint64_t spun = machine::calibration();
  Report report;
  Listener listener;
  static mltk::PipelineOf<FrontEnd> pipeline;
  mltk::PipelineSettings settings = mltk::model_settings();
  settings.gate = {};  // open: what the firmware does while it hears something
  const uint32_t rate = mltk::kModelSampleRateHz;
  if (!count_front_end(report) || !pipeline.open(mltk::model_tables, mltk::kModelSampleRateHz, {}, settings,
                                                 listener, block, sizeof block)) {
    machine::print("the settings need more memory than this program sets aside\n");
    return 2;
  }
  const mltk::PipelineShape& shape = pipeline.shape();
  const int32_t latency = settings.latency_ms;
  const auto stretch =
      static_cast<size_t>(uint64_t{rate} * latency * ((kLeastMs + latency - 1) / latency) / 1000);
  // Until windows are whole and the net's state is known; and to the end of a step.
  const size_t columns_ms = 1000 * (shape.window + uint64_t(shape.columns) * shape.step) / rate;
  hear(pipeline, uint64_t{rate} * latency * (columns_ms / latency + 2) / 1000, shape.step, nullptr);
  listener.steps = listener.runs = 0;
  hear(pipeline, stretch, shape.step, &report.sound);
  machine::print("{");
  machine::field("calibration", machine::instructions(spun));
  machine::field("hop", report.hops);
  machine::field("window", report.windows);
  machine::field("sound", report.sound);
  machine::field("rate", rate);
  machine::field("step", shape.step);
  machine::field("samples", stretch);
  machine::field("latency_ms", latency);
  machine::field("steps", listener.steps);
  machine::field("runs", listener.runs);
  machine::field("stack_bytes", report.stack, "}\n");
  return 0;
}
