// Options of the programs: --name value, --flag, and what is neither.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace mltk {

class Options {
 public:
  /// Throws RunnerError for an option that is in neither list, or has no value.
  Options(int argc, char** argv, std::initializer_list<const char*> with_value,
          std::initializer_list<const char*> flags);

  bool has(const std::string& name) const { return values_.count(name) != 0; }
  /// Throws RunnerError when it was not given.
  const std::string& text(const std::string& name) const;
  /// Throws RunnerError for what is no number, or not within the limits (both are allowed).
  double number(const std::string& name, double low, double high, double fallback) const;
  const std::vector<std::string>& others() const { return others_; }

 private:
  std::map<std::string, std::string> values_;
  std::vector<std::string> others_;
};

/// A number, all of the text. Throws RunnerError that names `what`.
double to_number(const std::string& what, const std::string& text, double low, double high);

}  // namespace mltk
