#include "read_file.hpp"

#include <fstream>
#include <iterator>

#include "runner_error.hpp"

namespace mltk {

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw RunnerError("cannot read " + path);
  return bytes;
}

}  // namespace mltk
