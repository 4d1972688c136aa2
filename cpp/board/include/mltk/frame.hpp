// Frames of the board protocol (docs/board_protocol.md) among lines of text, on a line that may lose, change
// or invent bytes. No heap, no exceptions: buffers are fixed.
//
// A frame is kFrameStart, a body in which the three marks are escaped, kFrameEnd. The marks are bytes that
// UTF-8 never uses, so that whatever lies outside of frames is text. The body: version, type, sequence (2),
// length of the payload (2), payload, CRC-32 (4) of all before it; numbers are little-endian.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mltk {

constexpr uint8_t kFrameStart = 0xF5;
constexpr uint8_t kFrameEnd = 0xF6;
constexpr uint8_t kFrameEscape = 0xF7;
constexpr uint8_t kFrameEscapeBit = 0x20;  ///< an escaped byte is sent with this bit turned
constexpr uint8_t kProtocolVersion = 1;
constexpr size_t kFrameHeader = 6;
constexpr size_t kFrameCheck = 4;
constexpr size_t kMaxPayload = 512;

/// CRC-32 of IEEE 802.3 (reflected polynomial 0xEDB88320): "123456789" gives 0xCBF43926. `before` is that of
/// the bytes in front.
uint32_t crc32(const uint8_t* bytes, size_t count, uint32_t before = 0);

uint16_t read_u16(const uint8_t* at);
uint32_t read_u32(const uint8_t* at);
void write_u16(uint8_t* at, uint16_t value);
void write_u32(uint8_t* at, uint32_t value);

struct Frame {
  uint8_t version;
  uint8_t type;
  uint16_t sequence;
  size_t length;
  const uint8_t* payload;
};

/// Where bytes go.
class ByteSink {
 public:
  virtual void write(const uint8_t* bytes, size_t count) = 0;

 protected:
  ~ByteSink() = default;
};

/// Writes one frame; its payload has at most kMaxPayload bytes.
void write_frame(ByteSink& sink, const Frame& frame);

/// Finds frames in a stream of bytes.
class FrameParser {
 public:
  enum class Event : uint8_t {
    kNone,
    kText,     ///< the byte belongs to no frame
    kFrame,    ///< frame() holds a whole one until the next push
    kDamaged,  ///< a frame was given up
  };

  Event push(uint8_t byte);
  const Frame& frame() const { return frame_; }
  void reset() { state_ = State::kText; }

 private:
  enum class State : uint8_t { kText, kBody, kEscaped };
  Event finish();

  State state_ = State::kText;
  size_t used_ = 0;
  uint8_t body_[kFrameHeader + kMaxPayload + kFrameCheck];
  Frame frame_{};
};

}  // namespace mltk
