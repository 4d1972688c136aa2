// The memory functions that the compiler may call, for compilers that come without a C library. Built with
// -fno-tree-loop-distribute-patterns, or their loops would become calls of themselves.
#include <stdint.h>
#include <string.h>

namespace {

typedef uint32_t __attribute__((may_alias)) Word;

bool aligned(const void* a, const void* b) {
  return ((reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b)) & 3) == 0;
}

void copy_up(unsigned char* to, const unsigned char* from, size_t count) {
  if (aligned(to, from)) {
    for (; count >= 16; count -= 16, to += 16, from += 16) {
      const auto* source = reinterpret_cast<const Word*>(from);
      auto* target = reinterpret_cast<Word*>(to);
      const Word a = source[0], b = source[1], c = source[2], d = source[3];
      target[0] = a, target[1] = b, target[2] = c, target[3] = d;
    }
    for (; count >= 4; count -= 4, to += 4, from += 4) {
      *reinterpret_cast<Word*>(to) = *reinterpret_cast<const Word*>(from);
    }
  }
  for (; count > 0; --count) *to++ = *from++;
}

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, size_t count) {
  copy_up(static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), count);
  return to;
}

void* memmove(void* to, const void* from, size_t count) {
  auto* target = static_cast<unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  // How far `to` lies above `from`; huge where it lies below. Only an overlap at its end must be copied down.
  if (reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from) >= count) {
    copy_up(target, source, count);
  } else {
    while (count > 0) {
      --count;
      target[count] = source[count];
    }
  }
  return to;
}

void* memset(void* to, int value, size_t count) {
  auto* at = static_cast<unsigned char*>(to);
  const auto byte = static_cast<unsigned char>(value);
  if (aligned(at, at)) {
    for (; count >= 4; count -= 4, at += 4) *reinterpret_cast<Word*>(at) = byte * 0x01010101u;
  }
  for (; count > 0; --count) *at++ = byte;
  return to;
}

}  // extern "C"
