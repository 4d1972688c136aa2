// Numbers and arrays as C++ writes them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>
#include <type_traits>

#include "spectrum_tables.hpp"
#include "tables.hpp"

namespace mltk {

/// A number, a float with every bit of it.
template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
std::string text(T value) {
  if constexpr (std::is_integral_v<T>) return std::to_string(value);
  char digits[32];
  std::snprintf(digits, sizeof digits, "%af", static_cast<double>(value));
  return digits;
}

inline std::string text(const Twiddle& t) {
  return "{" + text(t.re) + ", " + text(t.minus_im) + ", " + text(t.im) + ", " + text(t.re_again) + "}";
}

inline std::string text(const GainSegment& g) {
  return "{" + text(g.level) + ", " + text(g.slope) + ", " + text(g.curve) + "}";
}

inline std::string text(const Rotation& r) { return "{" + text(r.re) + ", " + text(r.im) + "}"; }

inline std::string text(const Band& b) {
  return "{" + text(b.first) + ", " + text(b.end) + ", " + text(b.weights) + "}";
}

/// "a, b, c" in lines.
template <class T>
std::string list(const T* values, size_t count) {
  std::string out, line = "   ";
  for (size_t i = 0; i < count; ++i) {
    const std::string next = " " + text(values[i]) + ",";
    if (line.size() + next.size() > 110) {
      out += line + "\n";
      line = "   ";
    }
    line += next;
  }
  return out + line + "\n";
}

/// An array; one without values has a single zero, since C++ has no empty ones.
template <class T>
void array(std::ostream& out, const char* type, const char* name, const T* values, size_t count) {
  out << "alignas(4) constexpr " << type << " " << name << "[" << (count > 0 ? count : 1) << "] = {\n"
      << (count > 0 ? list(values, count) : "    {},\n") << "};\n\n";
}

}  // namespace mltk
