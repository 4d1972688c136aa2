// Builds the tables on the device and compares them with the constant ones: the same numbers on every
// machine. Prints {"equal": 0 or 1, "instructions": of building them, "bytes": that they would take in RAM}.
#include "same_tables.hpp"

#include "board.hpp"

namespace mltk {
extern const FrontendTables mcu_tables;
}

namespace {
alignas(mltk::kFrontendAlignment) unsigned char block[32768];
}

int main() {
  mltk::FrontendSettings settings;
#include "settings.inc"
  board::start_clock();
  const mltk::FrontendTables* built;
  const uint64_t start = board::now();
  const mltk::FrontendStatus status = mltk::build_tables(settings, block, sizeof(block), &built);
  const uint64_t end = board::now();
  if (status != mltk::FrontendStatus::kOk) return 2;
  board::print("{\"equal\": ");
  board::print(uint64_t{mltk::same(*built, mltk::mcu_tables)});
  board::print(", \"instructions\": ");
  board::print(board::instructions(end - start));
  board::print(", \"bytes\": ");
  board::print(uint64_t{mltk::tables_bytes(settings)});
  board::print("}\n");
  return 0;
}
