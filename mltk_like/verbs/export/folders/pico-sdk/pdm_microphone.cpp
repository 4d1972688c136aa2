#include "pdm_microphone.hpp"

#include "hardware/clocks.h"
#include "hardware/dma.h"
#include "hardware/irq.h"
#include "hardware/pio.h"
#include "hardware/sync.h"

namespace {

constexpr uint32_t kBits = 64;      // of the microphone for a sample
constexpr uint32_t kSamples = 256;  // of a block
constexpr uint32_t kWords = kSamples * kBits / 32;
constexpr uint32_t kBlocks = 16;  // a quarter of a second: more than comes while the net computes
constexpr int kLouder =
    3;  // factor 8, as a power of 2: speech takes a small part of such a microphone's range

uint32_t blocks[kBlocks][kWords];
volatile uint32_t filled;  // blocks since the beginning, by the interrupt
int channel;

void on_block() {
  dma_channel_acknowledge_irq0(static_cast<uint>(channel));
  filled = filled + 1;
  dma_channel_transfer_to_buffer_now(static_cast<uint>(channel), blocks[filled % kBlocks], kWords);
}

// A bit for each period of the clock, taken at its rising edge, where a microphone with SEL at ground has set
// it.
void start(uint32_t data_pin, uint32_t clock_pin, uint32_t rate_hz) {
  static const uint16_t instructions[] = {
      static_cast<uint16_t>(pio_encode_nop() | pio_encode_sideset(1, 0)),
      static_cast<uint16_t>(pio_encode_in(pio_pins, 1) | pio_encode_sideset(1, 1)),
  };
  pio_program_t program{};
  program.instructions = instructions;
  program.length = 2;
  program.origin = -1;
  const uint machine = static_cast<uint>(pio_claim_unused_sm(pio0, true));
  const uint offset = static_cast<uint>(pio_add_program(pio0, &program));
  pio_gpio_init(pio0, clock_pin);
  pio_gpio_init(pio0, data_pin);
  pio_sm_set_consecutive_pindirs(pio0, machine, clock_pin, 1, true);
  pio_sm_set_consecutive_pindirs(pio0, machine, data_pin, 1, false);
  pio_sm_config config = pio_get_default_sm_config();
  sm_config_set_wrap(&config, offset, offset + 1);
  sm_config_set_sideset(&config, 1, false, false);
  sm_config_set_sideset_pins(&config, clock_pin);
  sm_config_set_in_pins(&config, data_pin);
  sm_config_set_in_shift(&config, true, true, 32);
  sm_config_set_fifo_join(&config, PIO_FIFO_JOIN_RX);
  sm_config_set_clkdiv(&config,
                       static_cast<float>(clock_get_hz(clk_sys)) / static_cast<float>(rate_hz * kBits * 2));
  pio_sm_init(pio0, machine, offset, &config);

  channel = dma_claim_unused_channel(true);
  dma_channel_config transfer = dma_channel_get_default_config(static_cast<uint>(channel));
  channel_config_set_transfer_data_size(&transfer, DMA_SIZE_32);
  channel_config_set_read_increment(&transfer, false);
  channel_config_set_write_increment(&transfer, true);
  channel_config_set_dreq(&transfer, pio_get_dreq(pio0, machine, false));
  dma_channel_set_irq0_enabled(static_cast<uint>(channel), true);
  irq_set_exclusive_handler(DMA_IRQ_0, on_block);
  irq_set_enabled(DMA_IRQ_0, true);
  dma_channel_configure(static_cast<uint>(channel), &transfer, blocks[0], &pio0->rxf[machine], kWords, true);
  pio_sm_set_enabled(pio0, machine, true);
}

// Half of a filter of 40 taps at twice the rate, in 1/16384: least squares to what the sums below take off up
// to 7 kHz (of 16 kHz; sinc to the fourth power), and to nothing from 9 kHz on.
constexpr int32_t kTaps[] = {8321, 2243, -2298, -1311, 1148, 861,  -682, -597, 429, 421,
                             -272, -294, 168,   200,   -98,  -129, 51,   78,   -20, -41};
constexpr uint32_t kHalf = sizeof kTaps / sizeof *kTaps;

// Bits to samples: four sums one after another, every 32nd value of them four times less the one before (a
// CIC filter), then the filter above at every second one.
class Filter {
 public:
  int16_t sample(const uint32_t* words) {
    for (uint32_t word = 0; word < kBits / 32; ++word) keep(sums(words[word]));
    int32_t total = 0;
    for (uint32_t i = 0; i < kHalf; ++i) total += kTaps[i] * (kept_[kHalf - 1 - i] + kept_[kHalf + i]);
    int32_t value = total >> (14 - kLouder);
    // What does not change is no sound: microphones have an offset.
    offset_ += (value * 64 - offset_) / 1024;
    value -= offset_ / 64;
    return static_cast<int16_t>(value < -32768 ? -32768 : value > 32767 ? 32767 : value);
  }

 private:
  int32_t sums(uint32_t bits) {
    for (int bit = 0; bit < 32; ++bit) {
      sum_[0] += ((bits >> bit) & 1u) * 2u - 1u;
      for (int i = 1; i < 4; ++i) sum_[i] += sum_[i - 1];
    }
    uint32_t value = sum_[3];
    for (uint32_t& before : before_) {
      const uint32_t now = value;
      value = now - before;
      before = now;
    }
    return static_cast<int32_t>(value) >> 5;  // 16 bits
  }

  void keep(int32_t value) {
    for (uint32_t i = 1; i < 2 * kHalf; ++i) kept_[i - 1] = kept_[i];
    kept_[2 * kHalf - 1] = value;
  }

  // Numbers modulo 2^32 on purpose: what overflows comes off again.
  uint32_t sum_[4] = {}, before_[4] = {};
  int32_t kept_[2 * kHalf] = {}, offset_ = 0;
};

}  // namespace

void pdm_microphone_listen(uint32_t data_pin, uint32_t clock_pin, uint32_t rate_hz, PdmSamples on_samples) {
  static Filter filter;
  static int16_t samples[kSamples];
  start(data_pin, clock_pin, rate_hz);
  for (uint32_t taken = 0;;) {
    while (filled == taken) __wfi();
    if (filled - taken >= kBlocks) taken = filled - kBlocks + 1;  // the net is too slow: samples are lost
    const uint32_t* words = blocks[taken % kBlocks];
    for (uint32_t i = 0; i < kSamples; ++i) samples[i] = filter.sample(words + i * kBits / 32);
    on_samples(samples, kSamples);
    ++taken;
  }
}
