#include <stdio.h>

#include "Arduino.h"

HardwareSerial Serial;
bool (*stand_in_microphone)();

void pinMode(uint8_t, uint8_t) {}
void digitalWrite(uint8_t, uint8_t) {}

size_t Print::print(const char* text) { return static_cast<size_t>(printf("%s", text)); }
size_t Print::print(int number) { return print(static_cast<long>(number)); }
size_t Print::print(long number) { return static_cast<size_t>(printf("%ld", number)); }
size_t Print::print(unsigned long number) { return static_cast<size_t>(printf("%lu", number)); }
size_t Print::println(const char* text) { return static_cast<size_t>(printf("%s\r\n", text)); }
void HardwareSerial::begin(unsigned long) {}

size_t stand_in_samples(int16_t* to, size_t most) { return fread(to, sizeof *to, most, stdin); }

int main() {
  setup();
  while (stand_in_microphone == nullptr || stand_in_microphone()) loop();
  for (int i = 0; i < 4; ++i) loop();  // what is left in the sketch's memory
  return 0;
}
