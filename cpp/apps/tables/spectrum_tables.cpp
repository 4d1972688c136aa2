// Writes the float32 front end's tables for given settings as C++ source, to be compiled for a device:
//   spectrum_tables OUT.cpp NAME [setting=value ...]      settings as in SpectrumSettings
// defines `const mltk::SpectrumTables mltk::NAME`, which the linker puts into flash; see frontend_tables.cpp.
#include "table_program.hpp"

int main(int count, char** arguments) {
  return table_program::run<mltk::SpectrumSettings, mltk::SpectrumTables>(count, arguments,
                                                                          "spectrum_tables");
}
