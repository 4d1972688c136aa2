// Writes the front end's tables for given settings as C++ source, to be compiled for a device:
//   frontend_tables OUT.cpp NAME [setting=value ...]      settings as in FrontendSettings
// defines `const mltk::FrontendTables mltk::NAME`, which the linker puts into flash: no code runs for it and
// no RAM is taken. The device declares it and opens streams on it:
//   namespace mltk { extern const FrontendTables NAME; }
#include "table_program.hpp"

int main(int count, char** arguments) {
  return table_program::run<mltk::FrontendSettings, mltk::FrontendTables>(count, arguments,
                                                                          "frontend_tables");
}
