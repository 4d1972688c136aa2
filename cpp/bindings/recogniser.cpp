#include "mltk/recogniser.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings.hpp"

namespace nb = nanobind;

namespace {

using Times = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Scores = nb::ndarray<const uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Row = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Detected = std::tuple<int64_t, int32_t, uint8_t>;  // time, class, score

void check_shape(const mltk::RecogniserSettings& settings, const Times& times, const Scores& scores) {
  if (scores.shape(1) != static_cast<size_t>(settings.classes)) {
    throw std::invalid_argument("wrong number of classes");
  }
  if (times.shape(0) != scores.shape(0)) throw std::invalid_argument("times and scores differ in length");
}

mltk::RecogniserSettings make_settings(int32_t minimum_count, int64_t average_window_duration,
                                       int64_t suppression, const std::vector<uint8_t>& thresholds,
                                       const std::vector<bool>& ignored) {
  mltk::RecogniserSettings settings;
  if (thresholds.size() > static_cast<size_t>(mltk::kRecogniserMaxClasses)) {
    throw std::invalid_argument("too many classes");
  }
  if (ignored.size() != thresholds.size())
    throw std::invalid_argument("thresholds and ignored differ in length");
  settings.classes = static_cast<int32_t>(thresholds.size());
  settings.minimum_count = minimum_count;
  settings.average_window_duration = average_window_duration;
  settings.suppression = suppression;
  std::copy(thresholds.begin(), thresholds.end(), settings.thresholds);
  std::copy(ignored.begin(), ignored.end(), settings.ignored);
  if (!mltk::is_valid(settings)) throw std::invalid_argument("recogniser settings out of range");
  return settings;
}

template <typename T, typename... Shape>
auto to_numpy(std::vector<T>&& values, Shape... shape) {
  auto* kept = new std::vector<T>(std::move(values));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(kept->data(), {static_cast<size_t>(shape)...}, owner);
}

// Settings are kept beside the state, for the calls that look at a whole stream and leave the state alone.
class PythonRecogniser {
 public:
  explicit PythonRecogniser(const mltk::RecogniserSettings& settings)
      : settings_(settings), state_(settings) {}

  void reset() { state_.reset(); }

  std::optional<Detected> process(int64_t time, const Row& scores) {
    if (scores.shape(0) != static_cast<size_t>(settings_.classes)) {
      throw std::invalid_argument("wrong number of classes");
    }
    mltk::Detection detection;
    if (!state_.process(time, scores.data(), &detection)) return std::nullopt;
    return Detected{detection.time, detection.class_index, detection.score};
  }

  std::vector<Detected> detect(const Times& times, const Scores& scores) {
    check_shape(settings_, times, scores);
    std::vector<Detected> result;
    for (size_t i = 0; i < times.shape(0); ++i) {
      mltk::Detection detection;
      if (state_.process(times.data()[i], scores.data() + i * scores.shape(1), &detection)) {
        result.emplace_back(detection.time, detection.class_index, detection.score);
      }
    }
    return result;
  }

  // Means of every class after each step, and whether there were enough results to decide on.
  auto average(const Times& times, const Scores& scores) const {
    check_shape(settings_, times, scores);
    const size_t count = scores.shape(0);
    const size_t classes = scores.shape(1);
    std::vector<uint8_t> means(count * classes);
    std::vector<uint8_t> ready(count);
    {
      const nb::gil_scoped_release unlocked;
      mltk::ScoreAverage average(settings_);
      for (size_t i = 0; i < count; ++i) {
        ready[i] = average.push(times.data()[i], scores.data() + i * classes);
        for (size_t k = 0; k < classes; ++k) means[i * classes + k] = average.mean(static_cast<int32_t>(k));
      }
    }
    return std::make_tuple(to_numpy(std::move(means), count, classes), to_numpy(std::move(ready), count));
  }

  // Steps of the detections at each threshold, one after another, and where each threshold's part ends.
  auto sweep(const Times& times, const Scores& scores, const Row& thresholds, int64_t merge) const {
    check_shape(settings_, times, scores);
    std::vector<int64_t> steps;
    std::vector<int64_t> ends;
    {
      const nb::gil_scoped_release unlocked;
      std::vector<mltk::Candidate> candidates(times.shape(0));
      const size_t count =
          mltk::find_candidates(settings_, times.data(), scores.data(), candidates.size(), candidates.data());
      std::vector<int64_t> found(count);
      for (size_t i = 0; i < thresholds.shape(0); ++i) {
        const size_t detected = mltk::detect_candidates(settings_, candidates.data(), count,
                                                        thresholds.data()[i], merge, found.data());
        steps.insert(steps.end(), found.begin(), found.begin() + static_cast<ptrdiff_t>(detected));
        ends.push_back(static_cast<int64_t>(steps.size()));
      }
    }
    const size_t total = steps.size();
    const size_t levels = ends.size();
    return std::make_tuple(to_numpy(std::move(steps), total), to_numpy(std::move(ends), levels));
  }

 private:
  mltk::RecogniserSettings settings_;
  mltk::Recogniser state_;
};

}  // namespace

void bind_recogniser(nb::module_& module) {
  module.attr("RECOGNISER_MAX_CLASSES") = mltk::kRecogniserMaxClasses;
  module.attr("RECOGNISER_MAX_RESULTS") = mltk::kRecogniserMaxResults;
  nb::class_<PythonRecogniser>(module, "Recogniser")
      .def(
          "__init__",
          [](PythonRecogniser* self, int32_t minimum_count, int64_t average_window_duration,
             int64_t suppression, const std::vector<uint8_t>& thresholds, const std::vector<bool>& ignored) {
            new (self) PythonRecogniser(
                make_settings(minimum_count, average_window_duration, suppression, thresholds, ignored));
          },
          nb::kw_only(), nb::arg("minimum_count"), nb::arg("average_window_duration"), nb::arg("suppression"),
          nb::arg("thresholds"), nb::arg("ignored"))
      .def("reset", &PythonRecogniser::reset)
      .def("process", &PythonRecogniser::process, nb::arg("time"), nb::arg("scores"))
      .def("detect", &PythonRecogniser::detect, nb::arg("times"), nb::arg("scores"))
      .def("average", &PythonRecogniser::average, nb::arg("times"), nb::arg("scores"))
      .def("sweep", &PythonRecogniser::sweep, nb::arg("times"), nb::arg("scores"), nb::arg("thresholds"),
           nb::arg("merge"));
}
