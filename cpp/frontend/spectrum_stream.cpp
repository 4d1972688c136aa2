#include <string.h>

#include "spectrum_kernels.hpp"

namespace mltk {

struct SpectrumStream {
  const SpectrumTables* tables;
  const SpectrumKernels* kernels;
  int16_t* buffer;  // samples that frames to come still need, then new ones; in front the one before them
  size_t used, capacity;
  float* rows;   // frames just computed, where columns are stacked from them
  float* stack;  // frames of the next column so far
  int stacked;
  void* scratch;
};

namespace {

// Samples in front of the buffer: one, and one more so that the rest is aligned to words.
constexpr size_t kBefore = 2;

const SpectrumKernels& spectrum_kernels_for(FrontendPath path) {
  const SpectrumKernels* fast = path == FrontendPath::kFastest ? avx2_spectrum() : nullptr;
  return fast != nullptr ? *fast : portable_spectrum();
}

// Room for one full set of frames, and as much more as makes moving the rest to the front rare.
size_t capacity_of(const SpectrumTables& t, const SpectrumKernels& kernels) {
  const size_t frames = kernels.frames == 1 ? 1 : 4 * kernels.frames;
  return t.shape.frame + (frames - 1) * t.shape.hop;
}

size_t scratch_of(const SpectrumTables& t, const SpectrumKernels& kernels) {
  const size_t own = kernels.scratch_bytes(t), single = portable_spectrum().scratch_bytes(t);
  return own > single ? own : single;
}

SpectrumStream* lay_out(const SpectrumTables& t, const SpectrumKernels& kernels, Arena& arena,
                        SpectrumStream& parts) {
  auto* stream = arena.take<SpectrumStream>(1);
  parts = {};
  parts.tables = &t;
  parts.kernels = &kernels;
  parts.capacity = capacity_of(t, kernels);
  int16_t* samples = arena.take<int16_t>(parts.capacity + kBefore);
  parts.buffer = samples == nullptr ? nullptr : samples + kBefore;
  const size_t stacked = t.cascade > 1 ? t.shape.features : 0;
  parts.rows = arena.take<float>(stacked * kernels.frames);
  parts.stack = arena.take<float>(stacked * t.cascade);
  parts.scratch = arena.take<unsigned char>(scratch_of(t, kernels));
  return stream;
}

size_t frames_in(const SpectrumTables& t, size_t samples) {
  const size_t frame = t.shape.frame, hop = t.shape.hop;
  return samples < frame ? 0 : (samples - frame) / hop + 1;
}

// Stacks frames into columns, oldest first; returns the columns written.
size_t stack(SpectrumStream& s, const float* rows, size_t count, float* columns) {
  const SpectrumTables& t = *s.tables;
  const size_t features = t.shape.features, channels = t.shape.channels;
  size_t written = 0;
  for (size_t i = 0; i < count; ++i) {
    memcpy(s.stack + s.stacked * features, rows + i * features, features * sizeof(float));
    if (++s.stacked < t.cascade) continue;
    memcpy(columns + written++ * channels, s.stack, channels * sizeof(float));
    s.stacked = t.slide ? t.cascade - 1 : 0;
    memmove(s.stack, s.stack + features, s.stacked * features * sizeof(float));
  }
  return written;
}

size_t drain(SpectrumStream& s, float* columns) {
  const SpectrumTables& t = *s.tables;
  const size_t ready = frames_in(t, s.used), hop = t.shape.hop, channels = t.shape.channels;
  if (ready == 0) return 0;
  size_t written = 0;
  for (size_t done = 0; done < ready;) {
    const size_t left = ready - done;
    // A frame alone is sooner done by itself than as a lane of a mostly empty set.
    const bool together = left * 4 >= static_cast<size_t>(s.kernels->frames);
    const SpectrumKernels& kernels = together ? *s.kernels : portable_spectrum();
    const size_t most = kernels.frames, count = left < most ? left : most;
    float* at = columns + written * channels;
    kernels.compute(t, s.buffer + done * hop, static_cast<int>(count), s.scratch,
                    t.cascade > 1 ? s.rows : at);
    written += t.cascade > 1 ? stack(s, s.rows, count, at) : count;
    done += count;
  }
  s.used -= ready * hop;
  s.buffer[-1] = s.buffer[ready * hop - 1];
  memmove(s.buffer, s.buffer + ready * hop, s.used * sizeof(int16_t));
  return written;
}

}  // namespace

size_t stream_bytes(const SpectrumTables& tables, FrontendPath path) {
  Arena arena(nullptr);
  SpectrumStream parts;
  lay_out(tables, spectrum_kernels_for(path), arena, parts);
  return arena.used();
}

SpectrumStatus open_stream(const SpectrumTables& tables, FrontendPath path, void* block, size_t bytes,
                           SpectrumStream** stream) {
  *stream = nullptr;
  if (!block_fits(block, bytes, stream_bytes(tables, path))) return SpectrumStatus::kMemory;
  Arena arena(block);
  SpectrumStream parts;
  SpectrumStream* opened = lay_out(tables, spectrum_kernels_for(path), arena, parts);
  *opened = parts;
  reset(*opened);
  *stream = opened;
  return SpectrumStatus::kOk;
}

void reset(SpectrumStream& stream) {
  stream.used = 0;
  stream.buffer[-1] = 0;
  stream.stacked = 0;
}

size_t columns_after(const SpectrumStream& stream, size_t count) {
  const SpectrumTables& t = *stream.tables;
  const size_t frames = stream.stacked + frames_in(t, stream.used + count), cascade = t.cascade;
  if (frames < cascade) return 0;
  return t.slide ? frames - cascade + 1 : frames / cascade;
}

size_t process(SpectrumStream& stream, const int16_t* samples, size_t count, float* columns) {
  size_t written = 0;
  while (count > 0) {
    const size_t room = stream.capacity - stream.used;
    const size_t taken = count < room ? count : room;
    memcpy(stream.buffer + stream.used, samples, taken * sizeof(int16_t));
    stream.used += taken;
    samples += taken;
    count -= taken;
    written += drain(stream, columns + written * stream.tables->shape.channels);
  }
  return written;
}

void quantise(const SpectrumTables& tables, const float* values, size_t count, int8_t* out) {
  const float minimum = tables.scale_minimum, factor = tables.scale_factor;
  for (size_t i = 0; i < count; ++i) {
    const float scaled = (values[i] - minimum) * factor + 0.5f;
    const int32_t q = !(scaled > 0.0f) ? 0 : scaled < 255.0f ? static_cast<int32_t>(scaled) : 255;
    out[i] = static_cast<int8_t>(q - 128);
  }
}

}  // namespace mltk
