// The first instructions after a reset, the table of interrupts, and the clock.
#include "machine.hpp"

extern "C" {
int main();
void reset();
extern uint32_t stack_top, bss_start, bss_end, data_start, data_end, data_image;
}

namespace machine {
namespace {

constexpr uint32_t kTimerTop = 0xFFFFFF;

volatile uint32_t& timer_control() { return control_register(0xE000E010); }
volatile uint32_t& timer_reload() { return control_register(0xE000E014); }
volatile uint32_t& timer_value() { return control_register(0xE000E018); }

volatile uint32_t wraps;

void count_wrap() { wraps = wraps + 1; }

using Handler = void (*)();

constexpr int kInterrupts = 48;  // of the boards' own that a program may use

struct Vectors {
  const void* stack;
  Handler handlers[15];
  Handler interrupts[kInterrupts];
};

constexpr Vectors make_vectors() {
  Vectors v{&stack_top,
            {reset, fault, fault, fault, fault, fault, fault, nullptr, nullptr, nullptr, fault, fault,
             nullptr, fault, count_wrap},
            {}};
  for (Handler& each : v.interrupts) each = interrupt;
  return v;
}

__attribute__((section(".vectors"), used)) constexpr Vectors vectors = make_vectors();

}  // namespace

__attribute__((weak)) void interrupt() { fault(); }

void start_clock() {
  timer_reload() = kTimerTop;
  timer_value() = 0;
  timer_control() = 7;  // the processor's clock, an interrupt at each wrap, on
}

void stop_clock() {
  timer_control() = 0;
  wraps = 0;
}

uint64_t now() {
  uint32_t before, value;
  do {
    before = wraps;
    value = timer_value();
  } while (before != wraps);
  return (uint64_t{before} << 24) + (kTimerTop - value);
}

uint64_t instructions(uint64_t ticks) { return (ticks * MLTK_TICK_PS + 32000) / 64000; }

}  // namespace machine

extern "C" void reset() {
#ifdef MLTK_COPROCESSORS
  machine::control_register(0xE000ED88) |= 0xFu << 20;  // CPACR: floating point and vectors on
  __asm__ volatile("dsb\n\tisb");
#endif
  const uint32_t* from = &data_image;
  for (uint32_t* to = &data_start; to < &data_end;) *to++ = *from++;
  for (uint32_t* to = &bss_start; to < &bss_end;) *to++ = 0;
  machine::exit(main());
}
