// What the programs share that write tables as C++ source: settings from a command line.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "mltk/setting_fields.hpp"
#include "tables_source.hpp"

namespace table_program {

[[noreturn]] inline void fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(2);
}

template <class T>
T parse(const std::string& name, const std::string& text) {
  std::istringstream stream(text);
  T value;
  if (!(stream >> std::boolalpha >> value) || stream.peek() != std::istringstream::traits_type::eof()) {
    fail(name + " cannot be '" + text + "'");
  }
  return value;
}

/// A number for each value of a frame, as in "1.5,2,-3". They live as long as the program.
inline mltk::FeatureValues parse_list(const std::string& name, const std::string& text) {
  static std::deque<std::vector<float>> kept;
  std::vector<float>& values = kept.emplace_back();
  std::istringstream stream(text);
  for (std::string each; std::getline(stream, each, ',');) values.push_back(parse<float>(name, each));
  return {values.data(), static_cast<int32_t>(values.size())};
}

template <class Settings>
void set(Settings& settings, const std::string& name, const std::string& text) {
  bool found = false;
  mltk::for_each_setting(settings, [&](const char* each, auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if (name != each) return;
    found = true;
    if constexpr (std::is_enum_v<Value>) {
      if (!mltk::choose(text, value)) fail(name + " cannot be '" + text + "'");
    } else if constexpr (std::is_same_v<Value, mltk::FeatureValues>) {
      value = parse_list(name, text);
    } else {
      value = parse<Value>(name, text);
    }
  });
  if (!found) fail("there is no setting '" + name + "'");
}

inline bool is_name(const std::string& name) {
  const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", digits = "0123456789";
  return !name.empty() && letters.find(name[0]) != std::string::npos &&
         name.find_first_not_of(letters + digits) == std::string::npos;
}

/// The whole program: settings from `OUT.cpp NAME [setting=value ...]`, their tables, and a file of source.
template <class Settings, class Tables>
int run(int count, char** arguments, const char* program) try {
  if (count < 3 || !is_name(arguments[2])) {
    fail(std::string("usage: ") + program + " OUT.cpp NAME [setting=value ...]");
  }
  Settings settings;
  std::string comment = std::string("// Written by ") + program + " for:";
  for (int i = 3; i < count; ++i) {
    const char* equals = std::strchr(arguments[i], '=');
    if (equals == nullptr) fail(std::string("not setting=value: ") + arguments[i]);
    set(settings, {arguments[i], static_cast<size_t>(equals - arguments[i])}, equals + 1);
    comment += std::string("\n//   ") + arguments[i];
  }
  const mltk::BuiltTables<Tables> tables(settings);
  std::ofstream out(arguments[1], std::ios::binary);
  out << comment << "\n";
  mltk::write_tables(out, *tables, arguments[2]);
  out.close();
  if (!out) fail(std::string("cannot write ") + arguments[1]);
  return 0;
} catch (const mltk::RunnerError& error) {
  fail(error.what());
}

}  // namespace table_program
