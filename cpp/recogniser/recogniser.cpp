#include "mltk/recogniser.hpp"

namespace mltk {
namespace {

// Unsigned, so that no pair of times overflows. `now` is not before `then`.
uint64_t elapsed(int64_t now, int64_t then) {
  return static_cast<uint64_t>(now) - static_cast<uint64_t>(then);
}

}  // namespace

bool is_valid(const RecogniserSettings& settings) {
  return settings.classes >= 1 && settings.classes <= kRecogniserMaxClasses && settings.minimum_count >= 0 &&
         settings.minimum_count <= kRecogniserMaxResults && settings.average_window_duration >= 0 &&
         settings.suppression >= 0;
}

uint8_t score_from_int8(int8_t output) { return static_cast<uint8_t>(output + 128); }

uint8_t score_from_float(float output) {
  // Written so that not-a-number takes the first branch.
  if (!(output > 0.0f)) return 0;
  return output >= 1.0f ? 255 : static_cast<uint8_t>(255.0f * output);
}

ScoreAverage::ScoreAverage(const RecogniserSettings& settings)
    : classes_(settings.classes),
      minimum_count_(settings.minimum_count),
      window_(static_cast<uint64_t>(settings.average_window_duration)) {}

void ScoreAverage::reset() {
  first_ = 0;
  count_ = 0;
  for (uint32_t& sum : sums_) sum = 0;
}

bool ScoreAverage::push(int64_t time, const uint8_t* scores) {
  const int32_t newest = (first_ + count_ + kRecogniserMaxResults - 1) % kRecogniserMaxResults;
  if (minimum_count_ == 0 || (count_ > 0 && time < times_[newest])) reset();
  while (count_ > 0 && elapsed(time, times_[first_]) > window_) drop_oldest();
  if (count_ == kRecogniserMaxResults) drop_oldest();
  const int32_t slot = (first_ + count_) % kRecogniserMaxResults;
  times_[slot] = time;
  for (int32_t i = 0; i < classes_; ++i) {
    scores_[slot][i] = scores[i];
    sums_[i] += scores[i];
  }
  ++count_;
  return count_ >= minimum_count_;
}

uint8_t ScoreAverage::mean(int32_t class_index) const {
  return static_cast<uint8_t>(sums_[class_index] / static_cast<uint32_t>(count_));
}

int32_t ScoreAverage::best() const {
  // Means, not sums: two classes whose means round to the same number are equal.
  int32_t best = 0;
  for (int32_t i = 1; i < classes_; ++i) {
    if (mean(i) > mean(best)) best = i;
  }
  return best;
}

void ScoreAverage::drop_oldest() {
  for (int32_t i = 0; i < classes_; ++i) sums_[i] -= scores_[first_][i];
  first_ = (first_ + 1) % kRecogniserMaxResults;
  --count_;
}

bool Suppression::pass(int64_t time, int32_t class_index) {
  const bool held =
      class_index == last_class_ && time >= last_time_ && elapsed(time, last_time_) <= duration_;
  if (held) return false;
  last_class_ = class_index;
  last_time_ = time;
  return true;
}

Recogniser::Recogniser(const RecogniserSettings& settings)
    : settings_(settings), average_(settings), suppression_(settings.suppression) {}

void Recogniser::reset() {
  average_.reset();
  suppression_.reset();
}

bool Recogniser::process(int64_t time, const uint8_t* scores, Detection* detection) {
  if (!average_.push(time, scores)) return false;
  const int32_t best = average_.best();
  const uint8_t score = average_.mean(best);
  if (settings_.ignored[best] || score <= settings_.thresholds[best]) return false;
  if (!suppression_.pass(time, best)) return false;
  *detection = {time, best, score};
  return true;
}

}  // namespace mltk
