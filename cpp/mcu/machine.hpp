// What programs need from QEMU's MPS2 and MPS3 boards. startup.cpp: a clock that counts instructions, and
// what runs before main. machine.cpp: files and text on the host by semihosting, and the stack's depth.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace machine {

enum class Mode : uint8_t { kRead = 1, kWrite = 5 };  // "rb" and "wb" in semihosting's numbers

/// A handle, or -1.
int open(const char* name, Mode mode);
size_t read(int handle, void* to, size_t bytes);
bool write(int handle, const void* from, size_t bytes);
void print(const char* text);
void print(uint64_t number);
[[noreturn]] void exit(int code);

/// A byte of the console; waits until there is one.
uint8_t read_console();
void write_console(uint8_t byte);

/// Where an instruction that cannot be carried out ends, and an interrupt that nobody asked for.
[[noreturn]] void fault();

/// Interrupts of the board's own come here; a program that enables one defines it.
void interrupt();

inline volatile uint32_t& control_register(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

void start_clock();
void stop_clock();

/// Ticks of the system timer since start_clock.
uint64_t now();

/// Instructions in so many ticks, to the nearest, under QEMU's `-icount shift=6`: 64 ns for each instruction.
uint64_t instructions(uint64_t ticks);

/// Fills the stack below the caller with a pattern.
void paint_stack();

/// Bytes of the stack below the caller that were written since paint_stack.
size_t stack_used();

}  // namespace machine
