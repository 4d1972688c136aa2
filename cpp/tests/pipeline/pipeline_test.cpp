// The pipeline decides as its definition says, however the samples are cut, at any rate and latency.
#include "mltk/pipeline.hpp"

#include <cmath>

#include "../board/framing.hpp"

namespace {

struct Step {
  int64_t time;
  uint32_t window;  // check sum of what the net saw
  bool operator==(const Step& other) const { return time == other.time && window == other.window; }
};

uint32_t sum(const int8_t* values, size_t count) {
  return mltk::crc32(reinterpret_cast<const uint8_t*>(values), count);
}

class Sink final : public mltk::PipelineSink {
 public:
  bool classify(const int8_t* window, uint8_t* scores) override {
    last = sum(window, window_bytes);
    scores[0] = static_cast<uint8_t>(last);
    return true;
  }
  void on_scores(int64_t time, const uint8_t*) override { steps.push_back({time, last}); }
  void on_columns(const mltk::ColumnView& view) override {
    REQUIRE(view.first == columns);
    columns += static_cast<int64_t>(view.count);
  }
  size_t window_bytes = 0;
  uint32_t last = 0;
  int64_t columns = 0;
  std::vector<Step> steps;
};

// As the definition says: a window ends at every multiple of the latency that lies within the samples.
template <class FrontEnd>
std::vector<Step> expected(const typename FrontEnd::Tables& tables, int64_t rate, int64_t window,
                           int64_t latency, const std::vector<int16_t>& samples) {
  const auto& shape = shape_of(tables);
  const auto block = make_block(stream_bytes(tables, mltk::FrontendPath::kPortable));
  typename FrontEnd::Stream* stream = nullptr;
  open_stream(tables, mltk::FrontendPath::kPortable, block.get(),
              stream_bytes(tables, mltk::FrontendPath::kPortable), &stream);
  const auto channels = static_cast<size_t>(shape.channels), columns = static_cast<size_t>(shape.columns);
  std::vector<typename FrontEnd::Value> all(columns_after(*stream, samples.size()) * channels);
  process(*stream, samples.data(), samples.size(), all.data());
  std::vector<Step> steps;
  std::vector<int8_t> net(columns * channels);
  for (int64_t end = latency; end * rate <= static_cast<int64_t>(samples.size()) * 1000; end += latency) {
    const int64_t heard = end * rate / 1000;
    if (heard < window) continue;
    const int64_t ready = (heard - window) / shape.step + 1;
    if (ready < shape.columns) continue;
    quantise(tables, all.data() + static_cast<size_t>(ready - shape.columns) * channels, net.size(),
             net.data());
    steps.push_back({end, sum(net.data(), net.size())});
  }
  return steps;
}

int32_t window_of(const mltk::FrontendShape& shape) { return shape.window; }
int32_t window_of(const mltk::SpectrumShape& shape) { return shape.window; }

template <class FrontEnd>
void check(Random& random, typename FrontEnd::Settings settings) {
  settings.sample_rate_hz = std::vector<int32_t>{8000, 16000, 11025, 44100}[below(random, 4)];
  settings.sample_length_ms = 200 + static_cast<int32_t>(below(random, 300));
  settings.filterbank_n_channels = 8;
  settings.filterbank_lower_band_limit = 200.0f;
  settings.filterbank_upper_band_limit = 3800.0f;
  const auto tables_block = make_block(tables_bytes(settings));
  const typename FrontEnd::Tables* tables = nullptr;
  REQUIRE(static_cast<int>(build_tables(settings, tables_block.get(), tables_bytes(settings), &tables)) == 0);
  const auto& shape = shape_of(*tables);

  mltk::PipelineSettings wanted;
  wanted.latency_ms = 1 + static_cast<int32_t>(below(random, 250));
  wanted.recogniser.minimum_count = 1;
  const bool fast = random() % 2 == 0;
  const mltk::PipelineMemory memory = {fast ? mltk::FrontendPath::kFastest : mltk::FrontendPath::kPortable,
                                       1 + static_cast<int32_t>(below(random, 40))};
  using Kind = mltk::PipelineOf<FrontEnd>;
  const size_t bytes = Kind::bytes(*tables, memory);
  const auto block = make_block(bytes);
  Sink sink;
  sink.window_bytes = static_cast<size_t>(shape.columns) * static_cast<size_t>(shape.channels);
  Kind pipeline;
  REQUIRE(!pipeline.open(*tables, settings.sample_rate_hz, memory, wanted, sink, block.get(), bytes - 1));
  REQUIRE(pipeline.open(*tables, settings.sample_rate_hz, memory, wanted, sink, block.get(), bytes));

  std::vector<int16_t> samples(below(random, 60000));
  for (int16_t& sample : samples) sample = static_cast<int16_t>(random() % 8000);
  for (size_t at = 0; at < samples.size();) {
    const size_t n = std::min(below(random, 3000), samples.size() - at);
    REQUIRE(pipeline.process(samples.data() + at, n));
    at += n;
  }
  const auto steps =
      expected<FrontEnd>(*tables, settings.sample_rate_hz, window_of(shape), wanted.latency_ms, samples);
  REQUIRE(sink.steps == steps);
  // Afresh after a reset.
  pipeline.reset();
  sink.steps.clear();
  sink.columns = 0;
  REQUIRE(pipeline.process(samples.data(), samples.size()));
  REQUIRE(sink.steps == steps);
}

void check_gain() {
  const int16_t samples[] = {0, 1, 2, 3, -1, 20000, -20000, 32767, -32768};
  int16_t out[9];
  mltk::amplify(samples, 9, 2.5f, out);
  const int16_t amplified[] = {0, 2, 5, 8, -2, 32767, -32768, 32767, -32768};  // 2.5 -> 2, 7.5 -> 8
  for (int i = 0; i < 9; ++i) REQUIRE(out[i] == amplified[i]);
  mltk::amplify(samples, 9, 0.0f, out);
  for (int i = 0; i < 9; ++i) REQUIRE(out[i] == samples[i]);
  for (float gain : {0.3f, 0.7001f, 1.0f, 13.37f}) {
    for (int value = -32768; value <= 32767; value += 7) {
      const auto sample = static_cast<int16_t>(value);
      mltk::amplify(&sample, 1, gain, out);
      const float exact = std::nearbyint(static_cast<float>(value) * gain);
      REQUIRE(out[0] == std::fmin(std::fmax(exact, -32768.0f), 32767.0f));
    }
  }
}

// Frames of 4 samples, one loudness each; cut anywhere.
void check_gate() {
  const int16_t peaks[] = {0, 599, 600, 0, 0, 0, -32768, 0};
  const bool passes[] = {false, false, true, true, true, false, true, true};
  for (size_t cut = 0; cut < 4; ++cut) {
    mltk::EnergyGate gate({600, 2}, 4);
    REQUIRE(gate.take());  // nothing is known yet
    for (int i = 0; i < 8; ++i) {
      const int16_t frame[] = {0, 0, peaks[i], 0};
      gate.hear(frame, cut);
      const bool before = i == 0 || passes[i - 1];
      REQUIRE(gate.take() == before);
      gate.hear(frame + cut, 4 - cut);
      REQUIRE(gate.take() == passes[i]);
    }
    gate.reset();
    const int16_t quiet[8] = {};
    gate.hear(quiet, 8);
    REQUIRE(!gate.take());
  }
  mltk::EnergyGate always({0, 0}, 1);
  const int16_t zero = 0;
  always.hear(&zero, 1);
  REQUIRE(always.take());
}

void check_settings() {
  mltk::PipelineSettings settings;
  REQUIRE(is_valid(settings));
  for (int which = 0; which < 7; ++which) {
    mltk::PipelineSettings bad;
    if (which == 0) bad.latency_ms = 0;
    if (which == 1) bad.volume_gain = std::nanf("");
    if (which == 2) bad.latency_ms = 600;  // three of them do not fit into a second
    if (which == 3) bad.recogniser.classes = 0;
    if (which == 4) bad.recogniser.suppression = 3600001;
    if (which == 5) bad.gate.threshold = 32769;
    if (which == 6) bad.gate.backoff = -1;
    REQUIRE(!is_valid(bad));
  }
}

}  // namespace

int main() {
  check_gain();
  check_gate();
  check_settings();
  Random random(2);
  for (int i = 0; i < 25; ++i) {
    mltk::FrontendSettings fixed;
    fixed.quantize_dynamic_scale_enable = i % 2 == 0;
    fixed.noise_reduction_enable = i % 3 == 0;
    check<mltk::FixedFrontEnd>(random, fixed);
    check<mltk::FloatFrontEnd>(random, {});
  }
}
