// Lines for a terminal, outside of frames.
#include "mltk/board.hpp"

namespace mltk {
namespace {

size_t length_of(const char* text) {
  size_t n = 0;
  while (text[n] != '\0') ++n;
  return n;
}

}  // namespace

void Board::print(const char* text) {
  device_.write(reinterpret_cast<const uint8_t*>(text), length_of(text));
}

void Board::print_number(uint32_t value) {
  char digits[11];
  size_t at = sizeof digits - 1;
  digits[at] = '\0';
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  print(digits + at);
}

// What JSON would escape or a terminal would obey becomes a question mark. In UTF-8 the controls above ASCII,
// U+0080 to U+009F, are the byte 0xC2 and one of 0x80 to 0x9F.
void Board::print_name(const char* name) {
  uint8_t before = 0;
  for (; *name != '\0'; ++name) {
    const auto byte = static_cast<uint8_t>(*name);
    const bool control = byte < 0x20 || byte == 0x7F || (before == 0xC2 && byte < 0xA0);
    const bool plain = *name != '"' && *name != '\\' && !control;
    before = byte;
    const char text[2] = {plain ? *name : '?', '\0'};
    print(text);
  }
}

// As SensiML's gateway reads them; its class 0 is "unknown".
void Board::print_detection(const Detection& detection) {
  const auto index = static_cast<uint32_t>(detection.class_index);
  print("{\"ModelNumber\":0,\"Classification\":");
  print_number(index + 1);
  print(",\"Label\":\"");
  print_name(device_.name(2 + index));
  print("\",\"Score\":");
  print_number(detection.score);
  print(",\"TimeMs\":");
  print_number(static_cast<uint32_t>(detection.time));
  print("}\r\n");
}

}  // namespace mltk
