// A UART of Arm's CMSDK (APB), as the MPS2 and MPS3 boards have. What comes is put into a ring by the receive
// interrupt.
#include "line.hpp"
#include "machine.hpp"

namespace line {
namespace {

using machine::control_register;

constexpr uint32_t kData = MLTK_UART, kState = MLTK_UART + 4, kControl = MLTK_UART + 8;
constexpr uint32_t kClear = MLTK_UART + 12, kDivider = MLTK_UART + 16;
constexpr uint32_t kSendFull = 1, kReceived = 2;
constexpr uint32_t kSend = 1, kReceive = 2, kReceiveInterrupt = 8;
constexpr uint32_t kTicksPerBit = 27;  // of 25 MHz: 926 kbaud, 0.5 % above the protocol's rate

constexpr uint32_t kEnable = 0xE000E100 + MLTK_UART_INTERRUPT / 32 * 4, kDisable = kEnable + 0x80;
constexpr uint32_t kLine = 1u << MLTK_UART_INTERRUPT % 32;

// One place stays free, to tell a full ring from an empty one.
constexpr size_t kPlaces = kRoom + 1;
uint8_t ring[kPlaces];
volatile size_t written, taken;

size_t after(size_t place) { return place + 1 == kPlaces ? 0 : place + 1; }

}  // namespace

void open() {
  control_register(kDivider) = kTicksPerBit;
  control_register(kControl) = kSend | kReceive | kReceiveInterrupt;
  listen(true);
}

void listen(bool on) { control_register(on ? kEnable : kDisable) = kLine; }

// What the ring has no room for stays in the UART. An emulated line then waits; on a real one a byte may be
// lost, which costs the frame that it belongs to: it is sent again.
void take_received() {
  control_register(kClear) = kReceived;
  while ((control_register(kState) & kReceived) != 0) {
    const size_t next = after(written);
    if (next == taken) return listen(false);
    ring[written] = static_cast<uint8_t>(control_register(kData));
    written = next;
  }
}

size_t read(uint8_t* to, size_t room) {
  // An interrupt that is held back ends the sleep all the same, so none can slip in between test and sleep.
  __asm__ volatile("cpsid i" ::: "memory");
  if (written == taken) __asm__ volatile("wfi" ::: "memory");
  __asm__ volatile("cpsie i\n\tisb" ::: "memory");
  size_t count = 0;
  while (count < room && taken != written) {
    to[count++] = ring[taken];
    taken = after(taken);
  }
  if (count > 0) listen(true);
  return count;
}

void write(const uint8_t* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    while ((control_register(kState) & kSendFull) != 0) {
    }
    control_register(kData) = bytes[i];
  }
}

}  // namespace line

void machine::interrupt() { line::take_received(); }
