// Whatever comes over the line, the parser finds the frames that are whole, from the one after the damage on.
// Run it with the sanitizers on.
#include <algorithm>
#include <string>

#include "framing.hpp"

namespace {

using mltk::FrameParser;

void check_known_values() {
  const std::string digits = "123456789";
  REQUIRE(mltk::crc32(reinterpret_cast<const uint8_t*>(digits.data()), digits.size()) == 0xCBF43926);
  const Bytes hello = {0xF5, 0x01, 0x01, 0x34, 0x12, 0x02, 0x00, 0x01, 0x01, 0x46, 0x9C, 0x21, 0x4E, 0xF6};
  REQUIRE(encoded(1, 0x1234, {1, 1}) == hello);
}

void check_round_trip(Random& random) {
  const Bytes payload = random_bytes(random, below(random, mltk::kMaxPayload + 1));
  const Bytes bytes = encoded(static_cast<uint8_t>(random()), static_cast<uint16_t>(random()), payload);
  REQUIRE(bytes.size() <= 2 + 2 * (payload.size() + mltk::kFrameHeader + mltk::kFrameCheck));
  REQUIRE(std::count(bytes.begin(), bytes.end(), mltk::kFrameStart) == 1);
  REQUIRE(std::count(bytes.begin(), bytes.end(), mltk::kFrameEnd) == 1);
  FrameParser parser;
  const auto found = parse(parser, bytes);
  REQUIRE(found.size() == 1 && found[0].payload == payload);
}

void check_text_passes(Random& random) {
  FrameParser parser;
  std::string text;
  for (uint8_t byte : encoded(1, 2, random_bytes(random, 40))) parser.push(byte);
  for (char c : std::string("{\"Score\":231}\r\n\xC3\xA4")) {
    REQUIRE(parser.push(static_cast<uint8_t>(c)) == FrameParser::Event::kText);
  }
}

Bytes damaged(Random& random, Bytes bytes) {
  const size_t at = below(random, bytes.size());
  switch (below(random, 4)) {
    case 0:  // cut off
      bytes.resize(at);
      break;
    case 1:  // a bit flipped
      bytes[at] = static_cast<uint8_t>(bytes[at] ^ 1u << below(random, 8));
      break;
    case 2:  // a byte lost
      bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    default:
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<uint8_t>(random()));
  }
  return bytes;
}

// Noise, a damaged frame, and whole ones: of these none is lost, and none is invented.
void check_recovery(Random& random) {
  FrameParser parser;
  parse(parser, random_bytes(random, below(random, 3000)));
  parse(parser, damaged(random, encoded(9, 9, random_bytes(random, below(random, 500)))));
  for (uint16_t i = 0; i < 3; ++i) {
    const Bytes payload(20, static_cast<uint8_t>(i));
    const auto found = parse(parser, encoded(7, i, payload));
    REQUIRE(found.size() == 1 && found[0].type == 7 && found[0].sequence == i && found[0].payload == payload);
  }
}

void check_too_long() {
  FrameParser parser;
  Bytes bytes(5000, 'x');
  bytes.front() = mltk::kFrameStart;
  REQUIRE(parse(parser, bytes).empty());
  REQUIRE(parse(parser, encoded(3, 3, {})).size() == 1);
}

}  // namespace

int main() {
  check_known_values();
  check_too_long();
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    check_round_trip(random);
    check_text_passes(random);
    check_recovery(random);
  }
}
