// Samples in, columns of a spectrogram out:
//   front_end < samples.raw > columns.raw
// In come 16-bit mono samples at 16 kHz, out go uint16 values, kBands for each column. Python's front end
// with the same settings gives the same bytes.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "mltk/frontend.hpp"

namespace {

constexpr int32_t kBands = 40;
constexpr size_t kBlock = 512;  // as a microphone's driver would give them; any number gives the same columns

// Memory that the front end works in. A device has a static array, since the sizes never change.
struct alignas(mltk::kFrontendAlignment) Line {
  uint8_t bytes[mltk::kFrontendAlignment];
};
std::vector<Line> block_of(size_t bytes) { return std::vector<Line>(bytes / sizeof(Line) + 1); }

int fail(mltk::FrontendStatus status) {
  std::fprintf(stderr, "front_end: %s\n", mltk::describe(status));
  return 2;
}

}  // namespace

int main() {
  mltk::FrontendSettings settings;  // the names are those of Python's FrontendSettings
  settings.sample_length_ms = 1000;
  settings.window_size_ms = 30;
  settings.window_step_ms = 10;
  settings.filterbank_n_channels = kBands;
  settings.noise_reduction_enable = true;
  settings.pcan_enable = true;

  // Tables are made once. They are only read from then on, so many streams may share them.
  mltk::FrontendShape shape;
  if (const auto status = mltk::check(settings, &shape); status != mltk::FrontendStatus::kOk)
    return fail(status);
  const size_t tables_bytes = mltk::tables_bytes(settings);
  auto tables_block = block_of(tables_bytes);
  const mltk::FrontendTables* tables = nullptr;
  auto status = mltk::build_tables(settings, tables_block.data(), tables_bytes, &tables);
  if (status != mltk::FrontendStatus::kOk) return fail(status);

  // A stream remembers what it has heard: the part of a window that is not full, and the noise estimate.
  const auto path = mltk::FrontendPath::kPortable;
  const size_t stream_bytes = mltk::stream_bytes(*tables, path);
  auto stream_block = block_of(stream_bytes);
  mltk::FrontendStream* stream = nullptr;
  status = mltk::open_stream(*tables, path, stream_block.data(), stream_bytes, &stream);
  if (status != mltk::FrontendStatus::kOk) return fail(status);
  std::fprintf(stderr, "tables %zu bytes, stream %zu bytes, a column each %d samples\n", tables_bytes,
               stream_bytes, static_cast<int>(shape.step));

  std::vector<int16_t> samples(kBlock);
  std::vector<uint16_t> columns;
  while (const size_t count = std::fread(samples.data(), sizeof(int16_t), kBlock, stdin)) {
    columns.resize(mltk::columns_after(*stream, count) * kBands);
    mltk::process(*stream, samples.data(), count, columns.data());
    std::fwrite(columns.data(), sizeof(uint16_t), columns.size(), stdout);
  }
  return 0;
}
