// What the programs count that hear hop by hop with a front end alone.
#pragma once

#include "count_report.hpp"
#include "mltk/frontend.hpp"

namespace machine {

struct HopReport {
  Range hops, quantised;
  size_t stack = 0;

  /// One hop, with the stack that it takes.
  template <class Work>
  void count_hop(Work work) {
    paint_stack();
    count_ticks(hops, work);
    const size_t used = stack_used();
    stack = used > stack ? used : stack;
  }
};

/// A stream of `tables` in a block; null, and said so, where the block or the program's buffers are too
/// small.
template <class Stream, class Tables>
Stream* open_hops(const Tables& tables, void* block, size_t bytes, bool fits) {
  Stream* stream;
  if (fits &&
      static_cast<int>(open_stream(tables, mltk::FrontendPath::kPortable, block, bytes, &stream)) == 0)
    return stream;
  print("the settings need more memory than this firmware sets aside\n");
  return nullptr;
}

}  // namespace machine
