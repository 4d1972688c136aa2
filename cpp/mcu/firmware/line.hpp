// The serial line, by bytes. uart_line.cpp: the board's UART, as on any chip. console_line.cpp: the console
// of QEMU's semihosting, which hands over blocks where QEMU gives a UART one byte at a time.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mltk/frame.hpp"

namespace line {

/// Frames of the largest size, each byte of them escaped, that may come while the net computes.
constexpr uint16_t kFramesAhead = 4;
constexpr size_t kRoom =
    kFramesAhead * (2 + 2 * (mltk::kFrameHeader + mltk::kMaxPayload + mltk::kFrameCheck));

void open();

/// Takes at most `room` bytes that have come; sleeps until there is one. May return 0.
size_t read(uint8_t* to, size_t room);

/// Waits until the last byte is on its way.
void write(const uint8_t* bytes, size_t count);

/// Whether bytes that come interrupt the processor; not while instructions are counted. None is lost
/// meanwhile.
void listen(bool on);

}  // namespace line
