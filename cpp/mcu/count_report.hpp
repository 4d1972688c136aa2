// Counts of instructions, and how they are printed as JSON.
#pragma once

#include "machine.hpp"

namespace machine {

struct Range {
  uint64_t least = UINT64_MAX, most = 0, sum = 0, count = 0;

  void add(uint64_t ticks) {
    least = ticks < least ? ticks : least;
    most = ticks > most ? ticks : most;
    sum += ticks;
    count += 1;
  }
};

/// Adds the ticks of `work()` to a range.
template <class Work>
void count_ticks(Range& range, Work work) {
  const uint64_t start = now();
  work();
  const uint64_t end = now();
  range.add(end - start - (now() - end));
}

/// 200,000 instructions, in ticks: two for each turn.
inline uint64_t calibration() {
  uint32_t turns = 100000;
  Range range;
  count_ticks(range, [&] {
    __asm__ volatile(".syntax unified\n1: subs %0, #1\n bne 1b" : "+l"(turns) : : "cc");
  });
  return range.sum;
}

inline void field(const char* name, uint64_t value, const char* end = ", ") {
  print("\"");
  print(name);
  print("\": ");
  print(value);
  print(end);
}

inline void field(const char* name, const Range& range) {
  print("\"");
  print(name);
  print("\": {");
  const bool any = range.count > 0;
  field("count", range.count);
  field("min", any ? instructions(range.least) : 0);
  field("mean", any ? instructions(range.sum / range.count) : 0);
  field("max", instructions(range.most), "}, ");
}

}  // namespace machine
