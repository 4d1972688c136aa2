#pragma once

#include "pico/stdlib.h"

typedef struct {
  volatile uint32_t rxf[4];
} pio_hw_t;
typedef pio_hw_t* PIO;
extern pio_hw_t stand_in_pio;
#define pio0 (&stand_in_pio)

typedef struct pio_program {
  const uint16_t* instructions;
  uint8_t length;
  int8_t origin;
  uint8_t pio_version;
} pio_program_t;
typedef struct {
  uint32_t clkdiv, execctrl, shiftctrl, pinctrl;
} pio_sm_config;
enum pio_fifo_join { PIO_FIFO_JOIN_NONE = 0, PIO_FIFO_JOIN_TX = 1, PIO_FIFO_JOIN_RX = 2 };
enum pio_src_dest { pio_pins = 0, pio_x = 1, pio_y = 2 };

// Bits of the instructions: RP2040 Datasheet, 3.4.
static inline uint pio_encode_in(enum pio_src_dest src, uint count) {
  return 0x4000u | (uint)src << 5 | (count & 31u);
}
static inline uint pio_encode_nop() { return 0xA042u; }
static inline uint pio_encode_sideset(uint sideset_bit_count, uint value) {
  return value << (13u - sideset_bit_count);
}

int pio_claim_unused_sm(PIO pio, bool required);
int pio_add_program(PIO pio, const pio_program_t* program);
void pio_gpio_init(PIO pio, uint pin);
int pio_sm_set_consecutive_pindirs(PIO pio, uint sm, uint pins_base, uint pin_count, bool is_out);
pio_sm_config pio_get_default_sm_config();
void sm_config_set_wrap(pio_sm_config* c, uint wrap_target, uint wrap);
void sm_config_set_sideset(pio_sm_config* c, uint bit_count, bool optional, bool pindirs);
void sm_config_set_sideset_pins(pio_sm_config* c, uint sideset_base);
void sm_config_set_in_pins(pio_sm_config* c, uint in_base);
void sm_config_set_in_shift(pio_sm_config* c, bool shift_right, bool autopush, uint push_threshold);
void sm_config_set_fifo_join(pio_sm_config* c, enum pio_fifo_join join);
void sm_config_set_clkdiv(pio_sm_config* c, float div);
int pio_sm_init(PIO pio, uint sm, uint initial_pc, const pio_sm_config* config);
void pio_sm_set_enabled(PIO pio, uint sm, bool enabled);
uint pio_get_dreq(PIO pio, uint sm, bool is_tx);
