#include "faults.hpp"

#include <sstream>

#include "options.hpp"
#include "runner_error.hpp"

namespace mltk {

FaultRates parse_faults(const std::string& text) {
  FaultRates rates;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t equals = part.find('=');
    const std::string name = part.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
    if (name == "drop") {
      rates.drop = to_number(name, value, 0, 1);
    } else if (name == "flip") {
      rates.flip = to_number(name, value, 0, 1);
    } else if (name == "garbage") {
      rates.garbage = to_number(name, value, 0, 1);
    } else if (name == "reset") {
      rates.reset = to_number(name, value, 1, 1e12);
    } else if (name == "unplug") {
      rates.unplug = to_number(name, value, 1, 1e12);
    } else {
      throw RunnerError("--fault knows drop, flip, garbage, reset and unplug, not '" + name + "'");
    }
  }
  return rates;
}

bool BadLine::chance(double probability) {
  return probability > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

std::vector<uint8_t> BadLine::pass(const uint8_t* bytes, size_t count) {
  std::vector<uint8_t> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    if (chance(rates_.garbage)) out.push_back(static_cast<uint8_t>(random_()));
    if (chance(rates_.drop)) continue;
    out.push_back(chance(rates_.flip) ? static_cast<uint8_t>(bytes[i] ^ 1u << random_() % 8) : bytes[i]);
  }
  return out;
}

}  // namespace mltk
