// The detector on a bare core, with a microphone that is a file: `sound.raw` of the host, 16-bit mono samples
// at the model's rate. On a chip of your own the driver of its microphone calls on_samples() instead, and
// on_detection() does what the device is for.
#include "machine.hpp"
#include "mltk/detector.hpp"

namespace {

void on_detection(const mltk::Detection& found, void*) {
  machine::print("Detected class=");
  machine::print(static_cast<uint64_t>(found.class_index));
  machine::print(" label=");
  machine::print(mltk::Detector::class_name(found.class_index));
  machine::print(" score=");
  machine::print(uint64_t{found.score});
  machine::print(" @");
  machine::print(static_cast<uint64_t>(found.time));
  machine::print("ms\n");
}

mltk::Detector& detector() {
  static mltk::Detector only(on_detection);
  return only;
}

// The microphone's callback: the next samples, as many as there are.
void on_samples(const int16_t* samples, size_t count) { detector().hear(samples, count); }

}  // namespace

// Called in place of a function of an interface, if there were one that no class has.
extern "C" void __cxa_pure_virtual() { machine::fault(); }

int main() {
  const int microphone = machine::open("sound.raw", machine::Mode::kRead);
  if (microphone < 0) {
    machine::print("there is no sound.raw in this folder\n");
    return 2;
  }
  detector().open();
  static int16_t block[256];
  for (;;) {
    const size_t bytes = machine::read(microphone, block, sizeof block);
    if (bytes == 0) return 0;
    on_samples(block, bytes / sizeof *block);
  }
}
