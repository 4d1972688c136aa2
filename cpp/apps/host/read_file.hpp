#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mltk {

/// The content of a file. Throws RunnerError.
std::vector<uint8_t> read_file(const std::string& path);

}  // namespace mltk
