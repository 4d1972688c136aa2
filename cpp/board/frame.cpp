#include "mltk/frame.hpp"

#include <string.h>

namespace mltk {
namespace {

// CRC of the 16 values of half a byte: 64 bytes of flash in place of 1024.
constexpr uint32_t kHalfByte[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                    0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                    0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};

bool is_mark(uint8_t byte) { return byte == kFrameStart || byte == kFrameEnd || byte == kFrameEscape; }

// Escapes as it goes and hands on a little at a time.
class Escaper {
 public:
  explicit Escaper(ByteSink& sink) : sink_(sink) {}
  ~Escaper() { sink_.write(buffer_, used_); }
  Escaper(const Escaper&) = delete;
  Escaper& operator=(const Escaper&) = delete;

  void mark(uint8_t byte) {
    buffer_[used_++] = byte;
    if (used_ + 2 <= sizeof buffer_) return;
    sink_.write(buffer_, used_);
    used_ = 0;
  }
  void body(const uint8_t* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (is_mark(bytes[i])) mark(kFrameEscape);
      mark(is_mark(bytes[i]) ? static_cast<uint8_t>(bytes[i] ^ kFrameEscapeBit) : bytes[i]);
    }
  }

 private:
  ByteSink& sink_;
  uint8_t buffer_[64];
  size_t used_ = 0;
};

}  // namespace

uint32_t crc32(const uint8_t* bytes, size_t count, uint32_t before) {
  uint32_t crc = ~before;
  for (size_t i = 0; i < count; ++i) {
    crc ^= bytes[i];
    crc = kHalfByte[crc & 15] ^ (crc >> 4);
    crc = kHalfByte[crc & 15] ^ (crc >> 4);
  }
  return ~crc;
}

uint16_t read_u16(const uint8_t* at) { return static_cast<uint16_t>(at[0] | at[1] << 8); }

uint32_t read_u32(const uint8_t* at) { return read_u16(at) | static_cast<uint32_t>(read_u16(at + 2)) << 16; }

void write_u16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value);
  at[1] = static_cast<uint8_t>(value >> 8);
}

void write_u32(uint8_t* at, uint32_t value) {
  write_u16(at, static_cast<uint16_t>(value));
  write_u16(at + 2, static_cast<uint16_t>(value >> 16));
}

void write_frame(ByteSink& sink, const Frame& frame) {
  uint8_t header[kFrameHeader] = {frame.version, frame.type};
  write_u16(header + 2, frame.sequence);
  write_u16(header + 4, static_cast<uint16_t>(frame.length));
  uint8_t check[kFrameCheck];
  write_u32(check, crc32(frame.payload, frame.length, crc32(header, sizeof header)));
  Escaper out(sink);
  out.mark(kFrameStart);
  out.body(header, sizeof header);
  out.body(frame.payload, frame.length);
  out.body(check, sizeof check);
  out.mark(kFrameEnd);
}

FrameParser::Event FrameParser::push(uint8_t byte) {
  if (byte == kFrameStart) {
    const bool cut = state_ != State::kText;
    state_ = State::kBody;
    used_ = 0;
    return cut ? Event::kDamaged : Event::kNone;
  }
  if (state_ == State::kText) return is_mark(byte) ? Event::kDamaged : Event::kText;
  if (byte == kFrameEnd) return finish();
  if (byte == kFrameEscape && state_ == State::kBody) {
    state_ = State::kEscaped;
    return Event::kNone;
  }
  const uint8_t value = state_ == State::kEscaped ? static_cast<uint8_t>(byte ^ kFrameEscapeBit) : byte;
  if (used_ == sizeof body_ || (state_ == State::kEscaped && !is_mark(value))) {
    state_ = State::kText;
    return Event::kDamaged;
  }
  state_ = State::kBody;
  body_[used_++] = value;
  return Event::kNone;
}

FrameParser::Event FrameParser::finish() {
  const bool whole = state_ == State::kBody && used_ >= kFrameHeader + kFrameCheck;
  state_ = State::kText;
  if (!whole) return Event::kDamaged;
  const size_t length = used_ - kFrameHeader - kFrameCheck;
  if (read_u16(body_ + 4) != length) return Event::kDamaged;
  if (crc32(body_, used_ - kFrameCheck) != read_u32(body_ + used_ - kFrameCheck)) return Event::kDamaged;
  frame_ = {body_[0], body_[1], read_u16(body_ + 2), length, body_ + kFrameHeader};
  return Event::kFrame;
}

}  // namespace mltk
