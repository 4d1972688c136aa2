#include "mltk/net.hpp"

#include <string.h>

#include "mltk/recogniser.hpp"

namespace mltk {
namespace {

bool same(const int8_t* a, const int8_t* b, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

}  // namespace

size_t new_bytes(const int8_t* window, const int8_t* last, size_t window_bytes, size_t input_bytes) {
  if (last == nullptr) return window_bytes;
  for (size_t fresh = input_bytes; fresh < window_bytes; fresh += input_bytes) {
    if (same(window, last + fresh, window_bytes - fresh)) return fresh;
  }
  return window_bytes;
}

void fill_input(const int8_t* values, size_t count, NetValue type, void* input) {
  memcpy(input, values, count);
  if (type != NetValue::kUint8) return;
  auto* bytes = static_cast<uint8_t*>(input);
  for (size_t i = 0; i < count; ++i) bytes[i] ^= 0x80;  // adding 128
}

void scores_of(const void* output, NetValue type, size_t classes, uint8_t* scores) {
  const auto* bytes = static_cast<const uint8_t*>(output);
  for (size_t i = 0; i < classes; ++i) {
    if (type == NetValue::kFloat32) {
      float value;
      memcpy(&value, bytes + i * sizeof value, sizeof value);
      scores[i] = score_from_float(value);
    } else {
      scores[i] = type == NetValue::kInt8 ? score_from_int8(static_cast<int8_t>(bytes[i])) : bytes[i];
    }
  }
}

}  // namespace mltk
