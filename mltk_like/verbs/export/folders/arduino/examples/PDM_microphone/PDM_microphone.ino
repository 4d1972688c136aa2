// Detections of @NAME@ from the PDM microphone of a board: Nano 33 BLE Sense, Nano RP2040 Connect, Nicla.
#include <@NAME@.h>
#include <Arduino.h>
#include <PDM.h>

namespace {

constexpr uint32_t kRoom = 8192;  // samples, half a second: more than come while the net computes
int16_t ring[kRoom];
volatile uint32_t written;  // samples since the beginning, by the interrupt
uint32_t taken;

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
  digitalWrite(LED_BUILTIN, HIGH);
}

mltk::Detector detector(on_detection);

// The microphone's callback, in an interrupt: the net would take too long here.
void on_samples() {
  int16_t block[256];
  for (int bytes = PDM.available(); bytes > 0; bytes = PDM.available()) {
    const int most = static_cast<int>(sizeof block);
    const int count = PDM.read(block, bytes < most ? bytes : most) / 2;
    for (int i = 0; i < count; ++i) ring[(written + i) % kRoom] = block[i];
    written = written + count;
  }
}

}  // namespace

void setup() {
  Serial.begin(115200);
  pinMode(LED_BUILTIN, OUTPUT);
  detector.open();
  PDM.onReceive(on_samples);
  if (PDM.begin(1, mltk::kModelSampleRateHz) == 0) Serial.println("The microphone does not start.");
}

void loop() {
  const uint32_t now = written;
  if (now - taken > kRoom) taken = now - kRoom;  // the net is too slow for this board: samples are lost
  const uint32_t at = taken % kRoom;
  const uint32_t count = now - taken < kRoom - at ? now - taken : kRoom - at;
  detector.hear(ring + at, count);
  taken += count;
}
