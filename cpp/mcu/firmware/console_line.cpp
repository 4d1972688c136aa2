#include "line.hpp"
#include "machine.hpp"

namespace line {

void open() {}

void listen(bool) {}

size_t read(uint8_t* to, size_t room) {
  if (room == 0) return 0;
  *to = machine::read_console();
  return 1;
}

void write(const uint8_t* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) machine::write_console(bytes[i]);
}

}  // namespace line
