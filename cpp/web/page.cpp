// The model that is compiled in, for a page in a browser: what JavaScript calls, and what it is told. It
// becomes WebAssembly without a C library. There is one page in a program, since the net works in memory of
// its own.
#include <stddef.h>
#include <stdint.h>

#include "mltk/model_window.hpp"
#include "mltk/pipeline.hpp"
#include "model_constants.hpp"

#define MLTK_EXPORT(name) extern "C" __attribute__((export_name(name)))
#define MLTK_IMPORT(name) extern "C" __attribute__((import_module("page"), import_name(name)))

// What the page is told while it hears. Times are milliseconds, in numbers that JavaScript has.
MLTK_IMPORT("columns") void tell_columns(uint32_t count, const uint16_t* levels, const float* values);
MLTK_IMPORT("scores") void tell_scores(double time_ms, const uint8_t* scores, const uint8_t* means);
MLTK_IMPORT("detection") void tell_detection(double time_ms, int32_t class_index, int32_t score);

namespace mltk {
namespace {

constexpr int32_t kClasses = sizeof kModelClasses / sizeof *kModelClasses;
constexpr uint32_t kBlock = 4096;  // samples that are handed over at once

class Page final : public PipelineSink {
 public:
  void open() {
    pipeline_.open(model_tables, kModelSampleRateHz, {}, model_settings(), *this, block_, sizeof block_);
    forget();
  }

  /// One threshold for every class, and a new beginning; a negative level gives back the model's own.
  void use_threshold(int32_t level) {
    PipelineSettings settings = model_settings();
    if (level >= 0) {
      for (uint8_t& threshold : settings.recogniser.thresholds) threshold = static_cast<uint8_t>(level);
    }
    pipeline_.configure(settings);
    forget();
  }

  /// What a class's mean must be above; -1 for one that is never detected.
  int32_t threshold(int32_t class_index) const {
    const RecogniserSettings& recogniser = pipeline_.settings().recogniser;
    return recogniser.ignored[class_index] ? -1 : recogniser.thresholds[class_index];
  }

  int16_t* samples() { return samples_; }
  void hear(uint32_t count) { pipeline_.process(samples_, count < kBlock ? count : kBlock); }

 private:
  void forget() {
    forget_windows();
    average_.reset();
  }

  bool classify(const int8_t* window, uint8_t* scores) override {
    classify_window(window, scores);
    return true;
  }

  void on_columns(const ColumnView& columns) override {
    tell_columns(static_cast<uint32_t>(columns.count), columns.levels, columns.values);
  }

  // The recogniser is not asked for its mean, so that it is computed here once more.
  void on_scores(int64_t time_ms, const uint8_t* scores) override {
    uint8_t means[kClasses];
    average_.push(time_ms, scores);
    for (int32_t i = 0; i < kClasses; ++i) means[i] = average_.mean(i);
    tell_scores(static_cast<double>(time_ms), scores, means);
  }

  void on_detection(const Detection& found) override {
    tell_detection(static_cast<double>(found.time), found.class_index, found.score);
  }

  PipelineOf<ModelFrontEnd> pipeline_;
  ScoreAverage average_{model_settings().recogniser};
  int16_t samples_[kBlock];
  alignas(kFrontendAlignment) uint8_t block_[kModelBlockBytes];
};

Page page;

}  // namespace
}  // namespace mltk

/// Once, before all else.
MLTK_EXPORT("open") void page_open() { mltk::page.open(); }
/// Begins anew; see Page::use_threshold.
MLTK_EXPORT("use_threshold") void page_use_threshold(int32_t level) { mltk::page.use_threshold(level); }
MLTK_EXPORT("threshold") int32_t page_threshold(int32_t class_index) {
  return mltk::page.threshold(class_index);
}
/// Where the next samples are put, `block` of them at most, before `hear` is told how many.
MLTK_EXPORT("samples") int16_t* page_samples() { return mltk::page.samples(); }
MLTK_EXPORT("block") uint32_t page_block() { return mltk::kBlock; }
MLTK_EXPORT("hear") void page_hear(uint32_t count) { mltk::page.hear(count); }
