// Square roots of whole numbers, in 32-bit arithmetic with three divisions.
#pragma once

#include "tables.hpp"

namespace mltk {
namespace {

// floor(sqrt(n)) for n >= 2^30. Newton's steps from a line that is off by at most 5.7 % leave less than one
// unit, from above.
inline uint32_t root_of_large(uint32_t n) {
  uint32_t x = 0x5F3B + (n >> 17) + (n >> 19);
  x = (x + n / x) >> 1;
  x = (x + n / x) >> 1;
  if (x > 0xFFFF) x = 0xFFFF;
  return x * x > n ? x - 1 : x;
}

/// round(sqrt(n)), except that what fits 16 bits stays there: 0xFFFF for n < 2^32 that round up to 0x10000.
inline uint32_t root(uint64_t n) {
  const auto high = static_cast<uint32_t>(n >> 32), low = static_cast<uint32_t>(n);
  if (high == 0) {
    if (low == 0) return 0;
    const int shift = leading_zeros(low) & ~1;
    const uint32_t result = root_of_large(low << shift) >> (shift / 2);
    return low - result * result > result && result != 0xFFFF ? result + 1 : result;
  }
  // One digit more, in base 2^16: with n shifted up, sqrt(n) = top 2^16 + rest / (2 top), less at most 1.
  const int shift = leading_zeros(high) & ~1;
  const uint64_t large = n << shift;
  const auto large_high = static_cast<uint32_t>(large >> 32);
  const uint32_t top = root_of_large(large_high);
  uint32_t digit = (((large_high - top * top) << 15) | (static_cast<uint32_t>(large) >> 17)) / top;
  if (digit > 0xFFFF) digit = 0xFFFF;
  const uint32_t result = ((top << 16) | digit) >> (shift / 2);
  const auto rest = static_cast<int64_t>(n - uint64_t{result} * result);
  if (rest < 0) {
    // One too many: n >= result^2 - 2 result + 1, so result - 1 it is, or result again when rounding goes up.
    return rest + result > 0 ? result : result - 1;
  }
  return rest > static_cast<int64_t>(result) ? result + 1 : result;
}

}  // namespace
}  // namespace mltk
