// A PDM microphone behind PIO and DMA: samples of stdin become bits, 64 for each, as a second-order
// sigma-delta modulator gives them. The program ends with the samples.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hardware/clocks.h"
#include "hardware/dma.h"
#include "hardware/irq.h"
#include "hardware/pio.h"
#include "hardware/sync.h"

pio_hw_t stand_in_pio;

namespace {

constexpr uint32_t kSystemHz = 125000000;
uint16_t program[32];
float divider;
bool shifts_right, running, interrupts;
irq_handler_t handler;
volatile void* to;
uint32_t words;

void check(bool good, const char* what) {
  if (good) return;
  fprintf(stderr, "stand-in: %s\n", what);
  exit(3);
}

// The next bit of the microphone.
uint32_t bit(double value) {
  static double first, second;
  const double out = second < 0 ? -1 : 1;
  first += value - out;
  second += first - 2 * out;
  return out > 0 ? 1 : 0;
}

bool next_word(uint32_t* word) {
  static int16_t sample, before;
  static int done = 64;
  *word = 0;
  for (int i = 0; i < 32; ++i, ++done) {
    if (done == 64) {
      before = sample;
      if (fread(&sample, sizeof sample, 1, stdin) != 1) return false;
      done = 0;
    }
    // A line from sample to sample; speech takes an eighth of such a microphone's range.
    const double value = before + (sample - before) * (done / 64.0);
    *word |= bit(value / 32768 / 8) << i;
  }
  return true;
}

}  // namespace

bool stdio_init_all() { return true; }
uint32_t clock_get_hz(enum clock_index) { return kSystemHz; }

void irq_set_exclusive_handler(uint num, irq_handler_t given) {
  check(num == DMA_IRQ_0, "a handler of another interrupt");
  handler = given;
}
void irq_set_enabled(uint, bool enabled) { interrupts = enabled; }

int dma_claim_unused_channel(bool) { return 3; }
dma_channel_config dma_channel_get_default_config(uint) { return {0}; }
void channel_config_set_transfer_data_size(dma_channel_config*, enum dma_channel_transfer_size size) {
  check(size == DMA_SIZE_32, "transfers are not of 32 bits");
}
void channel_config_set_read_increment(dma_channel_config*, bool incr) { check(!incr, "it reads on"); }
void channel_config_set_write_increment(dma_channel_config*, bool incr) {
  check(incr, "it writes one place");
}
void channel_config_set_dreq(dma_channel_config*, uint) {}
void dma_channel_configure(uint channel, const dma_channel_config*, volatile void* write,
                           const volatile void* read, uint32_t count, bool trigger) {
  check(channel == 3 && read == &stand_in_pio.rxf[1] && trigger, "the transfer is not of the state machine");
  dma_channel_transfer_to_buffer_now(channel, write, count);
}
void dma_channel_set_irq0_enabled(uint, bool) {}
void dma_channel_acknowledge_irq0(uint) {}
void dma_channel_transfer_to_buffer_now(uint, volatile void* write, uint32_t count) {
  to = write;
  words = count;
}

int pio_claim_unused_sm(PIO, bool) { return 1; }
int pio_add_program(PIO, const pio_program_t* given) {
  memcpy(program, given->instructions, given->length * sizeof *program);
  return 0;
}
void pio_gpio_init(PIO, uint) {}
int pio_sm_set_consecutive_pindirs(PIO, uint, uint, uint, bool) { return 0; }
pio_sm_config pio_get_default_sm_config() { return {0, 0, 0, 0}; }
void sm_config_set_wrap(pio_sm_config*, uint target, uint wrap) { check(target == 0 && wrap == 1, "wrap"); }
void sm_config_set_sideset(pio_sm_config*, uint count, bool optional, bool) {
  check(count == 1 && !optional, "side-set");
}
void sm_config_set_sideset_pins(pio_sm_config*, uint) {}
void sm_config_set_in_pins(pio_sm_config*, uint) {}
void sm_config_set_in_shift(pio_sm_config*, bool right, bool autopush, uint threshold) {
  check(autopush && threshold == 32, "words are not pushed");
  shifts_right = right;
}
void sm_config_set_fifo_join(pio_sm_config*, enum pio_fifo_join join) {
  check(join == PIO_FIFO_JOIN_RX, "join");
}
void sm_config_set_clkdiv(pio_sm_config*, float div) { divider = div; }
int pio_sm_init(PIO, uint, uint, const pio_sm_config*) { return 0; }
void pio_sm_set_enabled(PIO, uint, bool enabled) {
  // Clock low, then high while a bit is taken: two instructions a bit.
  check(program[0] == 0xA042 && program[1] == 0x5001, "the program takes no bits");
  const float hz = kSystemHz / divider / 2;
  check(hz > 16000 * 63.9f && hz < 16000 * 64.1f, "the microphone's clock");
  check(shifts_right, "the first bit is not the lowest");
  running = enabled;
}
uint pio_get_dreq(PIO, uint sm, bool is_tx) { return sm + (is_tx ? 0 : 4); }

void __wfi() {
  check(running && interrupts && handler != nullptr, "it sleeps for ever");
  auto* at = static_cast<volatile uint32_t*>(to);
  for (uint32_t i = 0; i < words; ++i) {
    uint32_t word;
    if (!next_word(&word)) exit(0);
    at[i] = word;
  }
  handler();
}
