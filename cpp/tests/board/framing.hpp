// Frames, written and read back, and bytes at random.
#pragma once

#include <vector>

#include "../testing.hpp"
#include "mltk/frame.hpp"

using Bytes = std::vector<uint8_t>;

inline size_t below(Random& random, size_t limit) { return random() % limit; }

inline Bytes random_bytes(Random& random, size_t count) {
  Bytes bytes(count);
  // Marks are as frequent as all else together, since they are what a parser trips over.
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(random() % 2 == 0 ? mltk::kFrameStart + random() % 3 : random());
  }
  return bytes;
}

class Collector final : public mltk::ByteSink {
 public:
  void write(const uint8_t* bytes, size_t count) override { all.insert(all.end(), bytes, bytes + count); }
  Bytes all;
};

inline Bytes encoded(uint8_t type, uint16_t sequence, const Bytes& payload,
                     uint8_t version = mltk::kProtocolVersion) {
  Collector out;
  write_frame(out, {version, type, sequence, payload.size(), payload.data()});
  return out.all;
}

struct Found {
  uint8_t type;
  uint16_t sequence;
  Bytes payload;
};

inline std::vector<Found> parse(mltk::FrameParser& parser, const Bytes& bytes) {
  std::vector<Found> found;
  for (uint8_t byte : bytes) {
    if (parser.push(byte) != mltk::FrameParser::Event::kFrame) continue;
    const mltk::Frame& frame = parser.frame();
    found.push_back({frame.type, frame.sequence, Bytes(frame.payload, frame.payload + frame.length)});
  }
  return found;
}
