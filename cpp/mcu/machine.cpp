// Semihosting, and the stack's depth.
#include "machine.hpp"

extern "C" {
extern uint32_t stack_limit;
}

namespace machine {
namespace {

constexpr uint32_t kPattern = 0x5A5A5A5A;

// A call of the host: operation in r0, its argument block in r1.
int call(int operation, const void* argument) {
  register int r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

uint32_t word(const void* p) { return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(p)); }

uint32_t* stack_pointer() {
  uint32_t* at;
  __asm__ volatile("mov %0, sp" : "=r"(at));
  return at;
}

}  // namespace

int open(const char* name, Mode mode) {
  uint32_t length = 0;
  while (name[length] != '\0') ++length;
  const uint32_t argument[] = {word(name), static_cast<uint32_t>(mode), length};
  return call(0x01, argument);
}

size_t read(int handle, void* to, size_t bytes) {
  const uint32_t argument[] = {static_cast<uint32_t>(handle), word(to), bytes};
  return bytes - static_cast<size_t>(call(0x06, argument));  // the call returns what it did not read
}

bool write(int handle, const void* from, size_t bytes) {
  const uint32_t argument[] = {static_cast<uint32_t>(handle), word(from), bytes};
  return call(0x05, argument) == 0;
}

void print(const char* text) { call(0x04, text); }

void print(uint64_t number) {
  char digits[21];
  char* at = digits + 20;
  *at = '\0';
  do {
    *--at = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  print(at);
}

// QEMU puts the byte below the stack. What it returns is, up to version 7, what was there before.
uint8_t read_console() {
  register int r0 __asm__("r0") = 0x07;
  register const void* r1 __asm__("r1") = nullptr;
  uint32_t byte;
  __asm__ volatile(".syntax unified\nbkpt 0xAB\nmov %1, sp\nsubs %1, #1\nldrb %1, [%1]"
                   : "+r"(r0), "=l"(byte)
                   : "r"(r1)
                   : "memory", "cc");
  return static_cast<uint8_t>(byte);
}

void write_console(uint8_t byte) { call(0x03, &byte); }

// The firmware, which has nobody to report to, has an exit and a fault of its own.
__attribute__((weak)) void exit(int code) {
  const uint32_t argument[] = {0x20026, static_cast<uint32_t>(code)};  // the application ended by itself
  call(0x20, argument);
  for (;;) {
  }
}

__attribute__((weak)) void fault() {
  print("fault\n");
  exit(99);
}

void paint_stack() {
  constexpr int kOwn = 16;  // words that this function may itself have put below the caller's
  for (volatile uint32_t *at = &stack_limit, *end = stack_pointer() - kOwn; at < end; at = at + 1)
    *at = kPattern;
}

size_t stack_used() {
  const uint32_t* at = &stack_limit;
  while (*at == kPattern) ++at;
  return (stack_pointer() - at) * sizeof(uint32_t);
}

}  // namespace machine
