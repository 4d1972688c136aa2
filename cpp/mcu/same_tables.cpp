// Builds the tables on the device and compares them with the constant ones: the same numbers on every
// machine. Prints {"equal": 0 or 1, "instructions": of building them, "bytes": that they would take in RAM}.
#include "same_tables.hpp"

#include "machine.hpp"

namespace mltk {
extern const FrontendTables mcu_tables;
}

namespace {
alignas(mltk::kFrontendAlignment) unsigned char block[32768];
}

int main() {
  mltk::FrontendSettings settings;
#include "settings.inc"
  machine::start_clock();
  const mltk::FrontendTables* built;
  const uint64_t start = machine::now();
  const mltk::FrontendStatus status = mltk::build_tables(settings, block, sizeof(block), &built);
  const uint64_t end = machine::now();
  if (status != mltk::FrontendStatus::kOk) return 2;
  machine::print("{\"equal\": ");
  machine::print(uint64_t{mltk::same(*built, mltk::mcu_tables)});
  machine::print(", \"instructions\": ");
  machine::print(machine::instructions(end - start));
  machine::print(", \"bytes\": ");
  machine::print(uint64_t{mltk::tables_bytes(settings)});
  machine::print("}\n");
  return 0;
}
