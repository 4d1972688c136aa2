// The firmware: a model behind the board protocol on a serial line. A clip takes this way:
//   uart_line.cpp       bytes of the line
//   board/              frames, requests, samples
//   frontend/           columns
//   pipeline/           windows
//   detector/           the net, and its outputs as scores (model_window.cpp)
//   recogniser/         detections
// and back through board/ and uart_line.cpp. QEMU's boards have no microphone: samples come by the line
// alone.
#include "chip.hpp"
#include "line.hpp"
#include "machine.hpp"
#include "mltk/board.hpp"
#include "mltk/model_window.hpp"
#include "model_constants.hpp"

namespace {

// Of the size that a computer needs, whose pointers are longer.
alignas(mltk::kFrontendAlignment) uint8_t block[mltk::kModelBlockBytes];

// Asks for a reset. The host finds the board anew, by its line of text.
[[noreturn]] void start_again() {
  __asm__ volatile("dsb" ::: "memory");
  machine::control_register(0xE000ED0C) = 0x05FA0004;
  for (;;) {
  }
}

}  // namespace

void machine::fault() { start_again(); }
void machine::exit(int) { start_again(); }

// Called in place of a function of an interface, if there were one that no class has.
extern "C" void __cxa_pure_virtual() { machine::fault(); }

int main() {
  mltk::Chip chip;
  mltk::Board board(chip);
  mltk::PipelineOf<mltk::ModelFrontEnd> pipeline;
  mltk::forget_windows();
  if (!pipeline.open(mltk::model_tables, mltk::kModelSampleRateHz, {}, mltk::model_settings(), board, block,
                     sizeof block)) {
    return 1;
  }
  board.use(pipeline);
  line::open();
  board.boot();
  for (;;) {
    uint8_t bytes[64];
    board.receive(bytes, line::read(bytes, sizeof bytes));
  }
}
