// Detections of @NAME@ from an I2S microphone (INMP441, ICS-43434, SPH0645) at an ESP32, with Espressif's
// core 3.
#include <@NAME@.h>
#include <Arduino.h>
#include <ESP_I2S.h>

namespace {

constexpr int8_t kClockPin = 5, kWordPin = 6, kDataPin = 4;  // SCK, WS and SD of the microphone
constexpr int kShift = 16;  // from 32 bits a sample to 16; 14 makes it four times as loud

I2SClass microphone;

void on_detection(const mltk::Detection& found, void*) {
  Serial.print("Detected class=");
  Serial.print(static_cast<long>(found.class_index));
  Serial.print(" label=");
  Serial.print(mltk::Detector::class_name(found.class_index));
  Serial.print(" score=");
  Serial.print(static_cast<int>(found.score));
  Serial.print(" @");
  Serial.print(static_cast<unsigned long>(found.time));
  Serial.println("ms");
}

mltk::Detector detector(on_detection);

// The next samples of the microphone. Espressif's driver fills its own memory meanwhile.
void on_samples(const int32_t* slots, size_t count) {
  static int16_t samples[256];
  for (size_t i = 0; i < count; ++i) {
    const int32_t value = slots[i] >> kShift;
    samples[i] = static_cast<int16_t>(value < -32768 ? -32768 : value > 32767 ? 32767 : value);
  }
  detector.hear(samples, count);
}

}  // namespace

void setup() {
  Serial.begin(115200);
  detector.open();
  microphone.setPins(kClockPin, kWordPin, -1, kDataPin);
  if (!microphone.begin(I2S_MODE_STD, mltk::kModelSampleRateHz, I2S_DATA_BIT_WIDTH_32BIT, I2S_SLOT_MODE_MONO,
                        I2S_STD_SLOT_LEFT)) {
    Serial.println("The microphone does not start.");
  }
}

void loop() {
  static int32_t slots[256];
  const size_t bytes = microphone.readBytes(reinterpret_cast<char*>(slots), sizeof slots);
  on_samples(slots, bytes / sizeof *slots);
}
