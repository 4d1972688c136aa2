// The recogniser: from one vector of scores per inference to detections.
//
// Scores are averaged over a sliding window of time; the class with the highest mean is detected when its
// mean is above its threshold, unless the same class was detected a short time ago.
//
// Nothing here throws, allocates or reads a clock. Time is whatever the caller counts in (milliseconds,
// samples), as long as the durations in the settings count in the same unit. Times do not decrease; one that
// does is taken as a new beginning.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mltk {

/// The scores that are averaged take 64 bytes a class: a firmware whose nets have fewer classes may say so.
#ifndef MLTK_RECOGNISER_MAX_CLASSES
#define MLTK_RECOGNISER_MAX_CLASSES 128
#endif
constexpr int32_t kRecogniserMaxClasses = MLTK_RECOGNISER_MAX_CLASSES;
/// Results that are averaged at most: when more lie in the window, the oldest are left out.
constexpr int32_t kRecogniserMaxResults = 64;

struct RecogniserSettings {
  int32_t classes = 1;
  /// Results in the window below which nothing is decided; 0 decides on the latest result alone.
  int32_t minimum_count = 3;
  int64_t average_window_duration = 1000;
  /// A class is not detected again before more than this time has passed, unless another was in between.
  int64_t suppression = 1500;
  /// Class i is never detected when ignored[i] is set.
  bool ignored[kRecogniserMaxClasses] = {};
  /// Class i is detected when its mean is above thresholds[i].
  uint8_t thresholds[kRecogniserMaxClasses] = {};
};

/// True when classes, count and durations are in range.
bool is_valid(const RecogniserSettings& settings);

struct Detection {
  int64_t time;
  int32_t class_index;
  uint8_t score;  ///< mean of the class
};

/// A model's output as a score: -128..127 -> 0..255.
uint8_t score_from_int8(int8_t output);
/// A model's output as a score: 0..1 -> 0..255, rounded down; below 0 and not-a-number give 0, above 1 gives
/// 255.
uint8_t score_from_float(float output);

/// The results of the window and their mean.
class ScoreAverage {
 public:
  /// `settings` are valid.
  explicit ScoreAverage(const RecogniserSettings& settings);
  void reset();
  /// Takes `classes` scores. Returns whether there are enough results to decide on.
  bool push(int64_t time, const uint8_t* scores);
  /// Mean of a class, rounded down. There must have been a push.
  uint8_t mean(int32_t class_index) const;
  /// Class with the highest mean; the first of equals.
  int32_t best() const;

 private:
  void drop_oldest();

  int32_t classes_;
  int32_t minimum_count_;
  uint64_t window_;
  int32_t first_ = 0;
  int32_t count_ = 0;
  uint32_t sums_[kRecogniserMaxClasses] = {};
  int64_t times_[kRecogniserMaxResults] = {};
  uint8_t scores_[kRecogniserMaxResults][kRecogniserMaxClasses] = {};
};

/// Lets a class through at most once per suppression time. No class is held back before the first detection.
class Suppression {
 public:
  explicit Suppression(int64_t duration) : duration_(static_cast<uint64_t>(duration)) {}
  void reset() { last_class_ = -1; }
  bool pass(int64_t time, int32_t class_index);

 private:
  uint64_t duration_;
  int32_t last_class_ = -1;
  int64_t last_time_ = 0;
};

class Recogniser {
 public:
  /// `settings` are valid.
  explicit Recogniser(const RecogniserSettings& settings);
  /// Forgets all results and the last detection.
  void reset();
  /// Takes `classes` scores. Returns true, and fills `detection`, when a class is detected.
  bool process(int64_t time, const uint8_t* scores, Detection* detection);

 private:
  RecogniserSettings settings_;
  ScoreAverage average_;
  Suppression suppression_;
};

/// A result at which some threshold would let a class through.
struct Candidate {
  int64_t time;
  int64_t step;  ///< index of the result
  int32_t class_index;
  uint8_t score;
};

/// Runs `count` results of `classes` scores each through the average; writes at most `count` candidates.
/// Returns how many.
size_t find_candidates(const RecogniserSettings& settings, const int64_t* times, const uint8_t* scores,
                       size_t count, Candidate* candidates);

/// What `Recogniser` detects when every class has this threshold. A detection within `merge` of the last one
/// that was counted, of whatever class, is not counted; a negative `merge` counts all. Writes the steps of
/// the counted ones, at most `count`, and returns how many.
size_t detect_candidates(const RecogniserSettings& settings, const Candidate* candidates, size_t count,
                         uint8_t threshold, int64_t merge, int64_t* steps);

}  // namespace mltk
