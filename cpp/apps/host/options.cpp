#include "options.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "runner_error.hpp"

namespace mltk {
namespace {

bool contains(std::initializer_list<const char*> names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Options::Options(int argc, char** argv, std::initializer_list<const char*> with_value,
                 std::initializer_list<const char*> flags) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name.compare(0, 2, "--") != 0) {
      others_.push_back(name);
    } else if (contains(flags, name)) {
      values_[name] = "";
    } else if (!contains(with_value, name)) {
      throw RunnerError("unknown option " + name);
    } else if (i + 1 == argc) {
      throw RunnerError(name + " needs a value");
    } else {
      values_[name] = argv[++i];
    }
  }
}

const std::string& Options::text(const std::string& name) const {
  const auto at = values_.find(name);
  if (at == values_.end()) throw RunnerError(name + " is needed");
  return at->second;
}

double Options::number(const std::string& name, double low, double high, double fallback) const {
  return has(name) ? to_number(name, text(name), low, high) : fallback;
}

double to_number(const std::string& what, const std::string& text, double low, double high) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= low && value <= high)) {
    const auto show = [](double n) { return std::to_string(static_cast<long long>(n)); };
    throw RunnerError(what + " must be a number from " + show(low) + " to " + show(high) + ", not '" + text +
                      "'");
  }
  return value;
}

}  // namespace mltk
