// The recogniser against facts written down by hand, and against a slow version that keeps every result.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "mltk/recogniser.hpp"

namespace {

using mltk::Detection;
using mltk::Recogniser;
using mltk::RecogniserSettings;

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                \
    }                                                                              \
  } while (false)

RecogniserSettings two_classes() {
  RecogniserSettings settings;
  settings.classes = 2;
  settings.minimum_count = 2;
  settings.average_window_duration = 440;
  settings.suppression = 900;
  settings.ignored[1] = true;
  settings.thresholds[0] = 200;
  settings.thresholds[1] = 200;
  return settings;
}

bool push(Recogniser& recogniser, int64_t time, uint8_t first, uint8_t second, Detection* detection) {
  const uint8_t scores[] = {first, second};
  return recogniser.process(time, scores, detection);
}

void test_first_class_is_not_mute_after_start() {
  Recogniser recogniser(two_classes());
  Detection detection;
  CHECK(!push(recogniser, 0, 255, 0, &detection));  // one result is not enough
  CHECK(push(recogniser, 200, 255, 0, &detection));
  CHECK(detection.time == 200 && detection.class_index == 0 && detection.score == 255);
}

void test_threshold_must_be_exceeded() {
  Recogniser recogniser(two_classes());
  Detection detection;
  push(recogniser, 0, 200, 0, &detection);
  CHECK(!push(recogniser, 200, 201, 0, &detection));  // mean 200.5 rounds down to 200
  CHECK(push(recogniser, 400, 202, 0, &detection));
  CHECK(detection.score == 201);
}

void test_suppression() {
  Recogniser recogniser(two_classes());
  Detection detection;
  int found = 0;
  for (int64_t time = 0; time <= 2200; time += 200) found += push(recogniser, time, 250, 0, &detection);
  CHECK(found == 3);  // at 200, 1200, 2200: more than 900 ms apart
  recogniser.reset();
  push(recogniser, 2300, 250, 0, &detection);
  CHECK(push(recogniser, 2400, 250, 0, &detection));
}

void test_ignored_class_wins_and_says_nothing() {
  Recogniser recogniser(two_classes());
  Detection detection;
  push(recogniser, 0, 254, 255, &detection);
  CHECK(!push(recogniser, 200, 254, 255, &detection));
  // Sums 762 and 763 of three results: both means are 254, and the first of equals wins.
  CHECK(push(recogniser, 400, 254, 253, &detection));
  CHECK(detection.class_index == 0);
}

void test_the_last_of_most_classes() {
  RecogniserSettings settings = two_classes();
  settings.classes = mltk::kRecogniserMaxClasses;
  const int32_t last = settings.classes - 1;
  settings.ignored[last - 1] = true;
  Recogniser recogniser(settings);
  Detection detection;
  std::vector<uint8_t> scores(static_cast<size_t>(settings.classes), 0);
  scores[static_cast<size_t>(last) - 1] = 255;
  for (int64_t time = 0; time < 1000; time += 200)
    CHECK(!recogniser.process(time, scores.data(), &detection));
  scores[static_cast<size_t>(last)] = 255;
  scores[static_cast<size_t>(last) - 1] = 0;
  int found = 0;
  for (int64_t time = 1000; time < 2000; time += 200)
    found += recogniser.process(time, scores.data(), &detection);
  CHECK(found == 1 && detection.class_index == last);
}

void test_gap_drops_old_results() {
  Recogniser recogniser(two_classes());
  Detection detection;
  push(recogniser, 0, 255, 0, &detection);
  CHECK(!push(recogniser, 441, 255, 0, &detection));
  CHECK(push(recogniser, 881, 255, 0, &detection));  // exactly the window: kept
}

void test_extreme_times() {
  Recogniser recogniser(two_classes());
  Detection detection;
  const int64_t low = std::numeric_limits<int64_t>::min();
  const int64_t high = std::numeric_limits<int64_t>::max();
  CHECK(!push(recogniser, low, 255, 0, &detection));
  CHECK(!push(recogniser, high - 1, 255, 0, &detection));
  CHECK(push(recogniser, high, 255, 0, &detection));
  CHECK(!push(recogniser, low, 255, 0, &detection));  // a clock set back is a new beginning
  CHECK(push(recogniser, low + 1, 255, 0, &detection));
}

void test_scores() {
  CHECK(mltk::score_from_int8(-128) == 0 && mltk::score_from_int8(0) == 128 &&
        mltk::score_from_int8(127) == 255);
  CHECK(mltk::score_from_float(0.0f) == 0 && mltk::score_from_float(1.0f) == 255);
  CHECK(mltk::score_from_float(0.5f) == 127);
  CHECK(mltk::score_from_float(-0.1f) == 0 && mltk::score_from_float(1e30f) == 255);
  CHECK(mltk::score_from_float(std::nanf("")) == 0);
}

void test_settings() {
  RecogniserSettings settings;
  CHECK(mltk::is_valid(settings));
  settings.classes = mltk::kRecogniserMaxClasses + 1;
  CHECK(!mltk::is_valid(settings));
  settings = RecogniserSettings();
  settings.minimum_count = mltk::kRecogniserMaxResults + 1;
  CHECK(!mltk::is_valid(settings));
  settings = RecogniserSettings();
  settings.suppression = -1;
  CHECK(!mltk::is_valid(settings));
}

struct Stream {
  std::vector<int64_t> times;
  std::vector<uint8_t> scores;
};

Stream random_stream(std::mt19937& random, int32_t classes, size_t count) {
  Stream stream;
  int64_t time = 0;
  for (size_t i = 0; i < count; ++i) {
    time += static_cast<int64_t>(random() % 60);
    stream.times.push_back(time);
    for (int32_t k = 0; k < classes; ++k) stream.scores.push_back(static_cast<uint8_t>(random() % 256));
  }
  return stream;
}

RecogniserSettings random_settings(std::mt19937& random) {
  RecogniserSettings settings;
  settings.classes = static_cast<int32_t>(1 + random() % 5);
  settings.minimum_count = static_cast<int32_t>(random() % 5);
  settings.average_window_duration = static_cast<int64_t>(random() % 3000);
  settings.suppression = static_cast<int64_t>(random() % 300);
  const auto ignored = random() % 8;
  for (size_t i = 0; i < 3; ++i) settings.ignored[i] = (ignored >> i & 1u) != 0;
  for (uint8_t& threshold : settings.thresholds) threshold = static_cast<uint8_t>(random() % 160);
  return settings;
}

std::vector<Detection> slow_detections(const RecogniserSettings& settings, const Stream& stream) {
  std::vector<Detection> result;
  const size_t classes = static_cast<size_t>(settings.classes);
  for (size_t now = 0; now < stream.times.size(); ++now) {
    size_t first = settings.minimum_count == 0 ? now : 0;
    if (now - first >= mltk::kRecogniserMaxResults) first = now + 1 - mltk::kRecogniserMaxResults;
    while (stream.times[first] < stream.times[now] - settings.average_window_duration) ++first;
    const int64_t count = static_cast<int64_t>(now + 1 - first);
    if (count < settings.minimum_count) continue;
    int32_t best = -1;
    int64_t best_mean = -1;
    for (size_t k = 0; k < classes; ++k) {
      int64_t sum = 0;
      for (size_t i = first; i <= now; ++i) sum += stream.scores[i * classes + k];
      if (sum / count > best_mean) {
        best_mean = sum / count;
        best = static_cast<int32_t>(k);
      }
    }
    if (settings.ignored[best] || best_mean <= settings.thresholds[best]) continue;
    const bool same = !result.empty() && result.back().class_index == best;
    if (same && stream.times[now] - result.back().time <= settings.suppression) continue;
    result.push_back({stream.times[now], best, static_cast<uint8_t>(best_mean)});
  }
  return result;
}

void test_against_slow_version() {
  std::mt19937 random(1);
  size_t seen = 0;
  for (int trial = 0; trial < 300; ++trial) {
    const RecogniserSettings settings = random_settings(random);
    const Stream stream = random_stream(random, settings.classes, 200);
    const std::vector<Detection> expected = slow_detections(settings, stream);
    Recogniser recogniser(settings);
    size_t found = 0;
    for (size_t i = 0; i < stream.times.size(); ++i) {
      Detection got;
      const uint8_t* scores = stream.scores.data() + i * static_cast<size_t>(settings.classes);
      if (!recogniser.process(stream.times[i], scores, &got)) continue;
      CHECK(found < expected.size());
      const Detection& want = expected[found++];
      CHECK(got.time == want.time && got.class_index == want.class_index && got.score == want.score);
    }
    CHECK(found == expected.size());
    seen += found;
  }
  CHECK(seen > 1000);
}

void test_sweep_is_the_recogniser() {
  std::mt19937 random(2);
  for (int trial = 0; trial < 100; ++trial) {
    RecogniserSettings settings = random_settings(random);
    const Stream stream = random_stream(random, settings.classes, 150);
    const size_t steps = stream.times.size();
    std::vector<mltk::Candidate> candidates(steps);
    const size_t count =
        mltk::find_candidates(settings, stream.times.data(), stream.scores.data(), steps, candidates.data());
    std::vector<int64_t> all(count), merged(count);
    for (int threshold = 0; threshold < 256; threshold += 15) {
      for (uint8_t& value : settings.thresholds) value = static_cast<uint8_t>(threshold);
      const std::vector<Detection> expected = slow_detections(settings, stream);
      const uint8_t level = static_cast<uint8_t>(threshold);
      CHECK(detect_candidates(settings, candidates.data(), count, level, -1, all.data()) == expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        CHECK(stream.times[static_cast<size_t>(all[i])] == expected[i].time);
      }
      const size_t kept = detect_candidates(settings, candidates.data(), count, level, 1000, merged.data());
      CHECK(kept <= expected.size() && (kept > 0) == !expected.empty());
      for (size_t i = 1; i < kept; ++i) {
        const int64_t gap =
            stream.times[static_cast<size_t>(merged[i])] - stream.times[static_cast<size_t>(merged[i - 1])];
        CHECK(gap > 1000);
      }
    }
  }
}

}  // namespace

int main() {
  test_first_class_is_not_mute_after_start();
  test_threshold_must_be_exceeded();
  test_suppression();
  test_ignored_class_wins_and_says_nothing();
  test_the_last_of_most_classes();
  test_gap_drops_old_results();
  test_extreme_times();
  test_scores();
  test_settings();
  test_against_slow_version();
  test_sweep_is_the_recogniser();
  std::puts("recogniser: all tests passed");
}
