// The rounded square root against its definition: around every edge of rounding, and over all sizes.
#include "root.hpp"

#include <cstdio>
#include <random>

namespace {

// Bit by bit: the largest r with r^2 <= n, plus one where n > r^2 + r.
uint32_t expected(uint64_t n) {
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= n) root += bit;
  }
  if (n - root * root <= root || (n <= UINT32_MAX && root == 0xFFFF)) return static_cast<uint32_t>(root);
  return static_cast<uint32_t>(root + 1);
}

int failures = 0;

void check(uint64_t n) {
  const uint32_t result = mltk::root(n);
  if (result != expected(n) && failures++ < 10) {
    std::fprintf(stderr, "root(%llu) is %u, not %u\n", static_cast<unsigned long long>(n), result,
                 expected(n));
  }
}

void check_around(uint64_t r) {
  for (const uint64_t edge : {r * r, r * r + r}) {
    for (int off = -2; off <= 2; ++off) check(edge + off);
  }
}

}  // namespace

int main() {
  std::mt19937_64 random(3);
  for (uint64_t n = 0; n < 200000; ++n) check(n);
  for (uint64_t r = 2; r < 0x11000; ++r) check_around(r);
  for (int bits = 17; bits < 31; ++bits) {
    for (int i = 0; i < 3000; ++i) check_around((random() >> (64 - bits)) | (uint64_t{1} << (bits - 1)));
    for (uint64_t r = 2; r < 200; ++r) {
      check_around((uint64_t{1} << bits) - r);
      check_around((uint64_t{1} << bits) + r);
    }
  }
  // All tops of 16 bits with the largest and the smallest rest.
  for (uint64_t top = 0x8000; top <= 0xFFFF; ++top) {
    check(top * top << 32);
    check(((top + 1) * (top + 1) << 32) - 1);
    check_around((top << 13) - 1);
    check_around((top << 13) + 0x1FFF);
  }
  for (int i = 0; i < 200000; ++i) check(random() >> (2 + random() % 62));
  return failures == 0 ? 0 : 1;
}
