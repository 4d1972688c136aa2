// The parameters that a .tflite carries (metadata SL_PARAMSv1): names and values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace mltk {

using ParameterValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>,
                                    std::vector<int32_t>, std::vector<float>, std::vector<uint8_t>>;
using Parameters = std::map<std::string, ParameterValue>;

/// Throws RunnerError when the model holds none, or damaged ones.
Parameters read_parameters(const std::vector<uint8_t>& model);

}  // namespace mltk
