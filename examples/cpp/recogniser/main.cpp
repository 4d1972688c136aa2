// Scores in, detections out:
//   recogniser < scores.txt
// A line of the input is the result of one inference: its time in ms, and the score of each class, 0 to 255.
// The scores of your own net will do, or those that `listen --scores` prints. Python's Recogniser with the
// same settings makes the same detections.
#include <cstdio>

#include "mltk/recogniser.hpp"

namespace {

constexpr int kClasses = 2;
const char* const kNames[kClasses] = {"alexa", "_unknown_"};

// One line of standard input; false at its end.
bool read_result(int64_t* time_ms, uint8_t* scores) {
  long long time;
  if (std::scanf("%lld", &time) != 1) return false;
  *time_ms = time;
  for (int i = 0; i < kClasses; ++i) {
    unsigned score;
    if (std::scanf("%u", &score) != 1 || score > 255) return false;
    scores[i] = static_cast<uint8_t>(score);
  }
  return true;
}

}  // namespace

int main() {
  mltk::RecogniserSettings settings;
  settings.classes = kClasses;
  settings.minimum_count = 3;              // so many results at least before anything is decided
  settings.average_window_duration = 360;  // ms: results in this window are averaged
  settings.suppression = 900;              // ms: the same word is not detected again before this time
  settings.thresholds[0] = 200;            // a detection needs a mean above this
  settings.ignored[1] = true;              // whatever is not the word is never detected
  if (!mltk::is_valid(settings)) return 2;

  mltk::Recogniser recogniser(settings);
  int64_t time_ms;
  uint8_t scores[kClasses];
  while (read_result(&time_ms, scores)) {
    mltk::Detection found;
    if (recogniser.process(time_ms, scores, &found))
      std::printf("%s @%lldms score %d\n", kNames[found.class_index], static_cast<long long>(found.time),
                  static_cast<int>(found.score));
  }
  return 0;
}
