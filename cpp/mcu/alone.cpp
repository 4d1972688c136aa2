// The front end and nothing else, to be linked for its size: one hop and one quantised clip.
#include "kernels.hpp"
#include "mltk/frontend.hpp"

namespace mltk {
extern const FrontendTables mcu_tables;
}

extern "C" {

bool start(void* block, size_t bytes, mltk::FrontendStream** stream) {
  return mltk::open_stream(mltk::mcu_tables, mltk::FrontendPath::kPortable, block, bytes, stream) ==
         mltk::FrontendStatus::kOk;
}

size_t hear(mltk::FrontendStream& stream, const int16_t* samples, size_t count, uint16_t* column) {
  return mltk::process(stream, samples, count, column);
}

void scale(const uint16_t* clip, size_t values, int8_t* out) {
  mltk::quantise(mltk::mcu_tables, clip, values, out);
}

// The linker keeps what can be reached from here.
__attribute__((section(".vectors"), used))
const void* const entries[] = {reinterpret_cast<const void*>(start), reinterpret_cast<const void*>(hear),
                               reinterpret_cast<const void*>(scale)};
}
