// audio_classifier: what a .tflite model hears in a recording or on a live line, without Python.
//
//   audio_classifier --library SO --model FILE [--threshold N] [--latency MS] [--count N] [--window MS]
//                    [--suppression MS] [--volume GAIN] [--gate N] [--scores] [--json] [--raw [--rate HZ]]
//                    [FILE|-]
//
// The recording is a WAV file of 16-bit mono PCM at the model's rate, or with --raw such samples alone,
// little-endian; "-", or nothing, is standard input. Front end, recogniser and classes are those that the
// model's parameters say; options go before them. One line for each detection goes to stdout as soon as it is
// made. Errors go to stderr, with exit code 2.
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>

#include "audio_input.hpp"
#include "classifier.hpp"
#include "library.hpp"
#include "options.hpp"
#include "read_file.hpp"
#include "runner_error.hpp"

namespace {

using mltk::Options;
using mltk::RunnerError;

constexpr double kHourMs = 3600000;
constexpr size_t kBlock = 16384;  // samples

int32_t whole(const Options& options, const char* name, double low, double high, int64_t fallback) {
  const double value = options.number(name, low, high, static_cast<double>(fallback));
  if (value != std::floor(value)) throw RunnerError(std::string(name) + " must be a whole number");
  return static_cast<int32_t>(value);
}

mltk::PipelineSettings changed(mltk::PipelineSettings s, const Options& options) {
  mltk::RecogniserSettings& r = s.recogniser;
  s.latency_ms = whole(options, "--latency", 1, kHourMs, s.latency_ms);
  s.volume_gain = static_cast<float>(options.number("--volume", 0, 1000, double{s.volume_gain}));
  r.minimum_count = whole(options, "--count", 0, mltk::kRecogniserMaxResults, r.minimum_count);
  r.average_window_duration = whole(options, "--window", 0, kHourMs, r.average_window_duration);
  r.suppression = whole(options, "--suppression", 0, kHourMs, r.suppression);
  s.gate.threshold = whole(options, "--gate", 0, 32768, s.gate.threshold);
  if (options.has("--threshold")) {
    const auto level = static_cast<uint8_t>(whole(options, "--threshold", 0, 255, 0));
    for (uint8_t& threshold : r.thresholds) threshold = level;
  }
  if (!is_valid(s)) {
    throw RunnerError("nothing could be detected: " + std::to_string(r.minimum_count) +
                      " results, one every " + std::to_string(s.latency_ms) + " ms, do not fit into " +
                      std::to_string(r.average_window_duration) + " ms; make --window longer");
  }
  return s;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

class Printer final : public mltk::PipelineSink {
 public:
  Printer(bool json, bool scores) : json_(json), scores_(scores) {}
  void use(mltk::Classifier& classifier) { classifier_ = &classifier; }

  bool classify(const int8_t* window, uint8_t* scores) override {
    classifier_->classify(window, scores);
    return true;
  }
  void on_scores(int64_t time_ms, const uint8_t* scores) override {
    if (!scores_) return;
    std::string row;
    for (size_t i = 0; i < classifier_->settings().classes.size(); ++i) {
      row += (i == 0 ? "" : ", ") + std::to_string(scores[i]);
    }
    std::printf(json_ ? "{\"time_ms\": %lld, \"scores\": [%s]}\n" : "Scores @%lldms: %s\n",
                static_cast<long long>(time_ms), row.c_str());
    std::fflush(stdout);
  }
  void on_detection(const mltk::Detection& found) override {
    const std::string& label = classifier_->settings().classes[static_cast<size_t>(found.class_index)];
    const auto time = static_cast<long long>(found.time);
    if (json_) {
      std::printf("{\"time_ms\": %lld, \"class_index\": %d, \"label\": %s, \"score\": %d}\n", time,
                  found.class_index, quoted(label).c_str(), found.score);
    } else {
      std::printf("Detected class=%d label=%s score=%d @%lldms\n", found.class_index, label.c_str(),
                  found.score, time);
    }
    std::fflush(stdout);
  }

 private:
  mltk::Classifier* classifier_ = nullptr;
  bool json_;
  bool scores_;
};

void run(const Options& options) {
  if (options.others().size() > 1)
    throw RunnerError("give one recording, not " + options.others()[1] + " as well");
  const mltk::Library library(options.text("--library"));
  Printer printer(options.has("--json"), options.has("--scores"));
  mltk::Classifier classifier(library, mltk::read_file(options.text("--model")), printer);
  printer.use(classifier);
  classifier.pipeline().configure(changed(classifier.settings().pipeline, options));
  const std::string path = options.others().empty() ? "-" : options.others()[0];
  const int32_t rate = classifier.pipeline().shape().sample_rate_hz;
  if (whole(options, "--rate", 1, 192000, rate) != rate) {
    throw RunnerError("the model takes " + std::to_string(rate) + " samples a second, not " +
                      options.text("--rate"));
  }
  mltk::AudioInput input(path, options.has("--raw"), rate);
  for (;;) {
    const auto samples = input.read(kBlock);
    if (samples.empty()) return;
    classifier.pipeline().process(samples.data(), samples.size());
  }
}

}  // namespace

int main(int argc, char** argv) try {
  run({argc,
       argv,
       {"--library", "--model", "--threshold", "--latency", "--count", "--window", "--suppression",
        "--volume", "--gate", "--rate"},
       {"--scores", "--json", "--raw"}});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "audio_classifier: %s\n", error.what());
  return 2;
}
