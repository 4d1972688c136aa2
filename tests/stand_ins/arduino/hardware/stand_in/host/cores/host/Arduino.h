// Of Arduino's core API what the examples use, on this computer.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr uint8_t HIGH = 1, OUTPUT = 1, LED_BUILTIN = 13;

void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t value);

class Print {
 public:
  size_t print(const char* text);
  size_t print(int number);
  size_t print(long number);
  size_t print(unsigned long number);
  size_t println(const char* text);
};

class Stream : public Print {};

class HardwareSerial : public Stream {
 public:
  void begin(unsigned long baud);
};
extern HardwareSerial Serial;

void setup();
void loop();

// A microphone that calls back: takes samples of stdin and tells the sketch; false where there are no more.
extern bool (*stand_in_microphone)();
size_t stand_in_samples(int16_t* to, size_t most);
