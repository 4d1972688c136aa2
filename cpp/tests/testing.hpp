// What the tests of several parts share.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <random>

#include "mltk/frontend.hpp"

#define REQUIRE(condition)                                                               \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                      \
    }                                                                                    \
  } while (false)

using Random = std::mt19937;

struct FreeBlock {
  void operator()(uint8_t* p) const { ::operator delete[](p, std::align_val_t{mltk::kFrontendAlignment}); }
};
using Block = std::unique_ptr<uint8_t[], FreeBlock>;

/// Memory for tables or a stream, of exactly that size, so that the sanitizers see every step beyond it.
inline Block make_block(size_t bytes) {
  return Block(new (std::align_val_t{mltk::kFrontendAlignment}) uint8_t[bytes]);
}
