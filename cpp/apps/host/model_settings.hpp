// What a model's parameters say about front end, recogniser and classes, with the defaults of the Python
// side.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "mltk/pipeline.hpp"
#include "parameters.hpp"

namespace mltk {

/// Moved, never copied: lists in the front end's settings are views of the parameters.
struct ModelSettings {
  ModelSettings() = default;
  ModelSettings(ModelSettings&&) = default;
  ModelSettings& operator=(ModelSettings&&) = default;

  Parameters parameters;
  std::string name;
  std::vector<std::string> classes;
  std::variant<FrontendSettings, SpectrumSettings> frontend;
  PipelineSettings pipeline;
  /// Rows that each inference of a net with its own state takes; 0: the net takes whole windows.
  int32_t streaming_rows = 0;
};

/// Throws RunnerError that names what is missing, of another type or out of range.
ModelSettings model_settings(Parameters parameters);

}  // namespace mltk
