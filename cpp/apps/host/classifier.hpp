// A model with its front end and recogniser on a computer: TFLM behind the pipeline.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "library.hpp"
#include "mltk/net.hpp"
#include "mltk/pipeline.hpp"
#include "model_settings.hpp"
#include "runner.hpp"

namespace mltk {

class Classifier {
 public:
  /// Library and sink must outlive it. Throws RunnerError when the model cannot be used.
  Classifier(const Library& library, const std::vector<uint8_t>& model, PipelineSink& sink);
  ~Classifier();
  Classifier(const Classifier&) = delete;
  Classifier& operator=(const Classifier&) = delete;

  const ModelSettings& settings() const { return settings_; }
  Pipeline& pipeline() { return *pipeline_; }
  Runner& runner() { return runner_; }
  size_t model_bytes() const { return model_bytes_; }

  /// Runs the net on one window; one with its own state on the rows of it that are new since the window
  /// before. Throws RunnerError.
  void classify(const int8_t* window, uint8_t* scores);
  /// The net has been run on something else: its state is not that of the last window any more.
  void forget() { last_.clear(); }

 private:
  struct FreeAligned {
    void operator()(uint8_t* memory) const;
  };
  using Block = std::unique_ptr<uint8_t[], FreeAligned>;

  static Block make_block(size_t bytes);
  template <class FrontEnd>
  std::unique_ptr<Pipeline, void (*)(Pipeline*)> open(const typename FrontEnd::Settings& settings,
                                                      PipelineSink& sink);
  void check_model();
  size_t window_bytes() const;
  void infer(const int8_t* values);

  ModelSettings settings_;
  Runner runner_;
  size_t model_bytes_;
  NetValue input_type_ = NetValue::kInt8;
  NetValue output_type_ = NetValue::kInt8;
  std::vector<uint8_t> input_;
  std::vector<uint8_t> output_;
  std::vector<int8_t> last_;  // the window before, where the net keeps its own state
  Block tables_;
  Block memory_;
  std::unique_ptr<Pipeline, void (*)(Pipeline*)> pipeline_;
};

}  // namespace mltk
