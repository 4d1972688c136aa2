#include "mltk/detector.hpp"

#include "mltk/model_window.hpp"

namespace mltk {

void Detector::open() {
  forget_windows();
  // The block is of the size that these tables ask for.
  pipeline_.open(model_tables, kModelSampleRateHz, {}, model_settings(), *this, block_, sizeof block_);
}

void Detector::reset() {
  forget_windows();
  pipeline_.reset();
}

bool Detector::classify(const int8_t* window, uint8_t* scores) {
  classify_window(window, scores);
  return true;
}

void Detector::on_scores(int64_t time_ms, const uint8_t* scores) {
  if (scored_ != nullptr) scored_(time_ms, scores, context_);
}

}  // namespace mltk
