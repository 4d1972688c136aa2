// What a firmware knows of its model beside the net, as C++ source.
#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "model_settings.hpp"

namespace mltk {

/// Sizes that follow from the front end's tables.
struct ModelSizes {
  int32_t columns, channels;  ///< of a window
  size_t block_bytes;         ///< that the pipeline's open() needs
};

/// Writes `model_constants.hpp`: name, classes, sizes and the settings of the pipeline, in namespace mltk.
void write_constants(std::ostream& out, const std::vector<uint8_t>& model, const ModelSettings& settings,
                     const ModelSizes& sizes);

}  // namespace mltk
