// Settings of a front end at random, for tests that try any.
#pragma once

#include <type_traits>
#include <vector>

#include "../testing.hpp"
#include "mltk/setting_fields.hpp"

inline int32_t pick(Random& random, int32_t low, int32_t high) {
  return std::uniform_int_distribution<int32_t>(low, high)(random);
}

inline float real(Random& random, float low, float high) {
  return std::uniform_real_distribution<float>(low, high)(random);
}

/// The settings of type T.
template <class T, class Settings>
std::vector<T*> fields_of(Settings& settings) {
  std::vector<T*> fields;
  mltk::for_each_setting(settings, [&](const char*, auto& field) {
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, T>) fields.push_back(&field);
  });
  return fields;
}
