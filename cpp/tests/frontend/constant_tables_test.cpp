// Tables written as source by frontend_tables, compiled here, against tables built at run time: the same
// numbers, and the same columns.
#include <cstdio>
#include <vector>

#include "../testing.hpp"
#include "same_tables.hpp"

namespace mltk {
extern const FrontendTables constant_plain, constant_alexa, constant_full;
}

namespace {

std::vector<uint16_t> columns(const mltk::FrontendTables& tables) {
  const mltk::FrontendShape& shape = mltk::shape_of(tables);
  std::vector<int16_t> samples(shape.window + 20 * shape.step);
  uint32_t random = 1;
  for (auto& sample : samples) {
    random = random * 1664525u + 1013904223u;
    sample = static_cast<int16_t>(random >> 16);
  }
  const size_t bytes = mltk::stream_bytes(tables, mltk::FrontendPath::kPortable);
  const Block block = make_block(bytes);
  mltk::FrontendStream* stream;
  REQUIRE(mltk::open_stream(tables, mltk::FrontendPath::kPortable, block.get(), bytes, &stream) ==
          mltk::FrontendStatus::kOk);
  std::vector<uint16_t> out(mltk::columns_after(*stream, samples.size()) * shape.channels);
  mltk::process(*stream, samples.data(), samples.size(), out.data());
  return out;
}

bool equal(const char* name, const mltk::FrontendTables& constant, const mltk::FrontendSettings& settings) {
  const size_t bytes = mltk::tables_bytes(settings);
  const Block block = make_block(bytes);
  const mltk::FrontendTables* built;
  REQUIRE(mltk::build_tables(settings, block.get(), bytes, &built) == mltk::FrontendStatus::kOk);
  const bool holds = mltk::same(constant, *built) && columns(constant) == columns(*built);
  std::printf("%s: %s\n", name, holds ? "equal" : "different");
  return holds;
}

mltk::FrontendSettings plain() {
  mltk::FrontendSettings settings;
#include "constant_plain.inc"
  return settings;
}

mltk::FrontendSettings alexa() {
  mltk::FrontendSettings settings;
#include "constant_alexa.inc"
  return settings;
}

mltk::FrontendSettings full() {
  mltk::FrontendSettings settings;
#include "constant_full.inc"
  return settings;
}

}  // namespace

int main() {
  const bool all =
      equal("plain", mltk::constant_plain, plain()) & equal("alexa", mltk::constant_alexa, alexa()) &
      equal("full", mltk::constant_full, full()) & !mltk::same(mltk::constant_plain, mltk::constant_full);
  return all ? 0 : 1;
}
