// Many thresholds over the same scores: the average does not depend on the threshold and is made once.
#include "mltk/recogniser.hpp"

namespace mltk {

size_t find_candidates(const RecogniserSettings& settings, const int64_t* times, const uint8_t* scores,
                       size_t count, Candidate* candidates) {
  ScoreAverage average(settings);
  size_t found = 0;
  for (size_t step = 0; step < count; ++step) {
    if (!average.push(times[step], scores + step * static_cast<size_t>(settings.classes))) continue;
    const int32_t best = average.best();
    if (settings.ignored[best]) continue;
    candidates[found++] = {times[step], static_cast<int64_t>(step), best, average.mean(best)};
  }
  return found;
}

size_t detect_candidates(const RecogniserSettings& settings, const Candidate* candidates, size_t count,
                         uint8_t threshold, int64_t merge, int64_t* steps) {
  Suppression suppression(settings.suppression);
  // All events count as one class here, so that any of them holds the next one back.
  Suppression events(merge < 0 ? 0 : merge);
  size_t detected = 0;
  for (size_t i = 0; i < count; ++i) {
    const Candidate& candidate = candidates[i];
    if (candidate.score <= threshold || !suppression.pass(candidate.time, candidate.class_index)) continue;
    if (merge >= 0 && !events.pass(candidate.time, 0)) continue;
    steps[detected++] = candidate.step;
  }
  return detected;
}

}  // namespace mltk
