#include <string.h>

#include "kernels.hpp"
#include "stages.hpp"

namespace mltk {

struct FrontendStream {
  const FrontendTables* tables;
  const Kernels* kernels;
  int16_t* buffer;  // samples that columns to come still need, then new ones
  size_t used, capacity;
  int16_t notch_in, notch_out;
  Levels levels;
  void* scratch;
};

namespace {

// Room for one full set of frames, and as much more as makes moving the rest to the front rare.
size_t capacity_of(const FrontendTables& t, const Kernels& kernels) {
  const size_t frames = kernels.frames == 1 ? 1 : 4 * kernels.frames;
  return t.shape.window + (frames - 1) * t.shape.step;
}

FrontendStream* lay_out(const FrontendTables& t, const Kernels& kernels, Arena& arena,
                        FrontendStream& parts) {
  auto* stream = arena.take<FrontendStream>(1);
  parts = {};
  parts.tables = &t;
  parts.kernels = &kernels;
  parts.capacity = capacity_of(t, kernels);
  parts.buffer = arena.take<int16_t>(parts.capacity);
  parts.levels.noise = arena.take<uint32_t>(t.shape.channels);
  parts.scratch = arena.take<unsigned char>(kernels.scratch_bytes(t));
  return stream;
}

void append(FrontendStream& s, const int16_t* samples, size_t count) {
  int16_t* end = s.buffer + s.used;
  if (s.tables->notch) {
    s.kernels->notch(s.tables->notch_coefficient, &s.notch_in, &s.notch_out, samples, count, end);
  } else {
    memcpy(end, samples, count * sizeof(int16_t));
  }
  s.used += count;
  stage_done(Stage::kNotch);
}

size_t drain(FrontendStream& s, uint16_t* columns) {
  const FrontendShape& shape = s.tables->shape;
  const size_t window = shape.window, step = shape.step;
  if (s.used < window) return 0;
  const size_t ready = (s.used - window) / step + 1;
  const Kernels& single = portable_kernels();
  for (size_t done = 0; done < ready;) {
    const size_t left = ready - done;
    // A few frames are sooner done one by one than as lanes of a mostly empty set.
    const bool together = left * 4 >= static_cast<size_t>(s.kernels->frames);
    const Kernels& kernels = together ? *s.kernels : single;
    const size_t count = left < static_cast<size_t>(kernels.frames) ? left : kernels.frames;
    kernels.columns(*s.tables, s.levels, s.buffer + done * step, static_cast<int>(count), s.scratch,
                    columns + done * shape.channels);
    done += count;
  }
  s.used -= ready * step;
  memmove(s.buffer, s.buffer + ready * step, s.used * sizeof(int16_t));
  stage_done(Stage::kMove);
  return ready;
}

}  // namespace

const Kernels& kernels_for(FrontendPath path) {
  const Kernels* fast = path == FrontendPath::kFastest ? avx2_kernels() : nullptr;
  return fast != nullptr ? *fast : portable_kernels();
}

size_t stream_bytes(const FrontendTables& tables, FrontendPath path) {
  Arena arena(nullptr);
  FrontendStream parts;
  lay_out(tables, kernels_for(path), arena, parts);
  return arena.used();
}

FrontendStatus open_stream(const FrontendTables& tables, FrontendPath path, void* block, size_t bytes,
                           FrontendStream** stream) {
  *stream = nullptr;
  if (!block_fits(block, bytes, stream_bytes(tables, path))) return FrontendStatus::kMemory;
  Arena arena(block);
  FrontendStream parts;
  FrontendStream* opened = lay_out(tables, kernels_for(path), arena, parts);
  *opened = parts;
  reset(*opened);
  *stream = opened;
  return FrontendStatus::kOk;
}

void reset(FrontendStream& stream) {
  stream.used = 0;
  stream.notch_in = stream.notch_out = 0;
  stream.levels.activity = {};
  memset(stream.levels.noise, 0, stream.tables->shape.channels * sizeof(uint32_t));
}

size_t columns_after(const FrontendStream& stream, size_t count) {
  const FrontendShape& shape = stream.tables->shape;
  const size_t total = stream.used + count, window = shape.window;
  return total < window ? 0 : (total - window) / shape.step + 1;
}

size_t process(FrontendStream& stream, const int16_t* samples, size_t count, uint16_t* columns) {
  size_t written = 0;
  while (count > 0) {
    const size_t room = stream.capacity - stream.used;
    const size_t taken = count < room ? count : room;
    append(stream, samples, taken);
    samples += taken;
    count -= taken;
    written += drain(stream, columns + written * stream.tables->shape.channels);
  }
  return written;
}

bool detects_activity(const FrontendTables& tables) { return tables.activity; }

bool scales_by_window(const FrontendTables& tables) { return tables.dynamic_scale; }

bool take_activity(FrontendStream& stream) {
  const bool tripped = stream.levels.activity.tripped;
  stream.levels.activity.tripped = false;
  return tripped;
}

void quantise(const FrontendTables& tables, const uint16_t* values, size_t count, int8_t* out) {
  kernels_for(FrontendPath::kFastest).quantise(tables, values, count, out);
}

}  // namespace mltk
