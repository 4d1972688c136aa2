// A board under any requests: it answers each one, carries none out twice, and keeps what it is told. Run it
// with the sanitizers on.
#include "mltk/board.hpp"

#include <cstring>
#include <string>

#include "framing.hpp"

namespace {

using mltk::BoardStatus;
using mltk::Request;

constexpr uint32_t kSlot = 3000;

// A net that hears "loud": one class whose score is the count of loud samples, so far as a step goes.
class FakePipeline final : public mltk::Pipeline {
 public:
  explicit FakePipeline(mltk::PipelineSink*& sink) : sink_(sink) { settings_.recogniser.classes = 2; }
  bool process(const int16_t* samples, size_t count) override {
    for (size_t i = 0; i < count; ++i) {
      ++heard;
      if (samples[i] == 77) sink_->on_detection({static_cast<int64_t>(heard), 1, 200});
      if (samples[i] == 66) return false;
    }
    const uint16_t levels[300] = {};
    sink_->on_columns({0, 2, 150, levels, nullptr});
    const float values[300] = {};
    sink_->on_columns({0, 1, 300, nullptr, values});
    const uint8_t scores[2] = {1, 2};
    sink_->on_scores(static_cast<int64_t>(heard), scores);
    return true;
  }
  void reset() override { heard = 0; }
  void configure(const mltk::PipelineSettings& settings) override {
    settings_ = settings;
    reset();
  }
  const mltk::PipelineSettings& settings() const override { return settings_; }
  const mltk::PipelineShape& shape() const override { return shape_; }
  size_t heard = 0;

 private:
  mltk::PipelineSink*& sink_;
  mltk::PipelineSettings settings_;
  mltk::PipelineShape shape_ = {16000, 480, 160, 118, 108};
};

class FakeDevice final : public mltk::BoardDevice {
 public:
  void write(const uint8_t* bytes, size_t count) override { sent.insert(sent.end(), bytes, bytes + count); }
  mltk::BoardInfo info() override { return {7, kSlot, 4, 0xABCD1234}; }
  const char* name(size_t index) override {
    static const char* const names[] = {"fake\x1b[2J", "m\xC2\x9B\xC3\x9B", "a\"b", "loud"};
    return index < known ? names[index] : nullptr;
  }
  bool classify(const int8_t*, uint8_t*) override { return true; }
  bool profile(mltk::BoardProfile* out) override {
    *out = {1, 5000, 100, 200};
    return true;
  }
  bool layer(size_t index, mltk::BoardLayer* out) override {
    *out = {4000, "CONV_2D"};
    return index == 0;
  }
  bool write_slot(uint32_t offset, const uint8_t* bytes, size_t count) override {
    REQUIRE(offset + count <= kSlot);
    std::memcpy(slot + offset, bytes, count);
    return true;
  }
  bool read_slot(uint32_t offset, uint8_t* bytes, size_t count) override {
    REQUIRE(offset + count <= kSlot);
    std::memcpy(bytes, slot + offset, count);
    return true;
  }
  bool load_slot(uint32_t) override { return ++loads < 3; }
  Bytes sent;
  uint8_t slot[kSlot];
  int loads = 0;
  size_t known = 4;
};

static_assert(sizeof(mltk::Board) < 2048, "as docs/board_protocol.md says");

struct Bench {
  Bench() : board(device), sink(&board), pipeline(sink) {
    board.use(pipeline);
    board.boot();
  }

  std::vector<Found> exchange(const Bytes& bytes) {
    device.sent.clear();
    board.receive(bytes.data(), bytes.size());
    mltk::FrameParser parser;
    return parse(parser, device.sent);
  }
  // The reply's data, behind its status.
  Bytes ask(Request request, const Bytes& payload, BoardStatus status = BoardStatus::kOk) {
    const auto found = exchange(encoded(static_cast<uint8_t>(request), ++sequence, payload));
    REQUIRE(!found.empty() && found.back().type == 0x80);
    const Bytes& reply = found.back().payload;
    REQUIRE(reply.size() >= 4 && reply[0] == static_cast<uint8_t>(request) &&
            mltk::read_u16(&reply[1]) == sequence);
    REQUIRE(reply[3] == static_cast<uint8_t>(status));
    return {reply.begin() + 4, reply.end()};
  }

  FakeDevice device;
  mltk::Board board;
  mltk::PipelineSink* sink;
  FakePipeline pipeline;
  uint16_t sequence = 0;
};

// A board that has no model: it tells its name and what its microphone hears, and can do nothing else.
struct MicrophoneBench : Bench {
  MicrophoneBench() {
    device.known = 1;
    board.use_microphone(48000);
    device.sent.clear();
    board.boot();
  }
};

Bytes begin(mltk::Transfer kind, const Bytes& data, uint16_t id) {
  Bytes payload(11);
  payload[0] = static_cast<uint8_t>(kind);
  mltk::write_u16(&payload[1], id);
  mltk::write_u32(&payload[3], static_cast<uint32_t>(data.size()));
  mltk::write_u32(&payload[7], mltk::crc32(data.data(), data.size()));
  return payload;
}

Bytes piece(uint16_t id, uint32_t offset, const Bytes& data, size_t count) {
  Bytes payload(6);
  mltk::write_u16(&payload[0], id);
  mltk::write_u32(&payload[2], offset);
  payload.insert(payload.end(), data.begin() + offset,
                 data.begin() + offset + static_cast<std::ptrdiff_t>(count));
  return payload;
}

void check_text() {
  Bench bench;
  // Names steer no terminal; letters beyond ASCII stay.
  REQUIRE(std::string(bench.device.sent.begin(), bench.device.sent.end()) ==
          "mltk board fake?[2J, model m\xC2?\xC3\x9B, protocol 1\r\n");
  const int16_t samples[] = {0, 0, 77};
  bench.device.sent.clear();
  bench.board.microphone(samples, 3);
  REQUIRE(std::string(bench.device.sent.begin(), bench.device.sent.end()) ==
          "{\"ModelNumber\":0,\"Classification\":2,\"Label\":\"loud\",\"Score\":200,\"TimeMs\":3}\r\n");
  bench.ask(Request::kStart, {1}, BoardStatus::kNoHello);
  bench.ask(Request::kHello, {1, 1});
  bench.device.sent.clear();
  bench.board.microphone(samples, 3);  // stopped
  REQUIRE(bench.device.sent.empty());
}

void check_versions() {
  Bench bench;
  REQUIRE(bench.ask(Request::kHello, {2, 9}, BoardStatus::kVersion) == Bytes{mltk::kProtocolVersion});
  bench.ask(Request::kHello, {2, 1}, BoardStatus::kMalformed);
  bench.ask(Request::kHello, {0, 9});
  const auto found = bench.exchange(encoded(static_cast<uint8_t>(Request::kStop), 900, {}, 2));
  REQUIRE(found.size() == 1 && found[0].payload[3] == static_cast<uint8_t>(BoardStatus::kVersion));
}

void check_hello() {
  Bench bench;
  const Bytes said = bench.ask(Request::kHello, {1, 1});
  REQUIRE(said.size() == 25 && said[0] == 1);
  REQUIRE(mltk::read_u16(&said[3]) == 4 && mltk::read_u32(&said[5]) == 7 &&
          mltk::read_u32(&said[9]) == kSlot);
  REQUIRE(mltk::read_u32(&said[13]) == 16000 && mltk::read_u16(&said[17]) == 118);
  REQUIRE(mltk::read_u16(&said[19]) == 108 && mltk::read_u32(&said[21]) == 0xABCD1234);
}

void check_samples() {
  Bench bench;
  bench.ask(Request::kHello, {1, 1});
  bench.ask(Request::kStart, {mltk::kTellDetections});
  Bytes data(1000, 0);
  for (size_t i = 0; i < 500; i += 5) data[2 * i] = 77;
  bench.ask(Request::kBegin, begin(mltk::Transfer::kSamples, data, 5));
  bench.ask(Request::kData, piece(6, 0, data, 500), BoardStatus::kNoTransfer);
  bench.ask(Request::kData, piece(5, 0, data, 500));
  bench.ask(Request::kData, piece(5, 600, data, 400), BoardStatus::kOutOfOrder);
  bench.ask(Request::kEnd, {5, 0}, BoardStatus::kOutOfOrder);
  bench.ask(Request::kData, piece(5, 0, data, 500), BoardStatus::kOutOfOrder);  // it has come already
  const Bytes last = bench.ask(Request::kData, piece(5, 500, data, 500));
  REQUIRE(mltk::read_u32(&last[0]) == 1000 && bench.pipeline.heard == 500);
  const Bytes end = encoded(static_cast<uint8_t>(Request::kEnd), 77, {5, 0});
  const auto once = bench.exchange(end), twice = bench.exchange(end);
  REQUIRE(once[0].payload[3] == 0 && once[0].payload == twice[0].payload);
  REQUIRE(mltk::read_u32(&once[0].payload[8]) == 100);
  // The latest 64 are kept.
  const Bytes logged = bench.ask(Request::kDetections, {0, 0, 0, 0});
  REQUIRE(logged.size() == 8 + 64 * 6 && mltk::read_u32(&logged[0]) == 100 &&
          mltk::read_u32(&logged[4]) == 36);
  REQUIRE(mltk::read_u32(&logged[8]) == 36 * 5 + 1);
}

void check_model() {
  Bench bench;
  Random random(5);
  bench.ask(Request::kHello, {1, 1});
  const Bytes model = random_bytes(random, 1200);
  bench.ask(Request::kBegin, begin(mltk::Transfer::kModel, Bytes(kSlot + 1), 1), BoardStatus::kRefused);
  bench.ask(Request::kBegin, begin(mltk::Transfer::kModel, model, 1));
  bench.ask(Request::kData, piece(1, 0, model, 500));
  bench.ask(Request::kHello, {1, 1});  // the host was unplugged, and goes on
  const Bytes from = bench.ask(Request::kBegin, begin(mltk::Transfer::kModel, model, 2));
  REQUIRE(mltk::read_u32(&from[0]) == 500);
  bench.ask(Request::kData, piece(2, 500, model, 500));
  bench.ask(Request::kData, piece(2, 1000, model, 200));
  bench.ask(Request::kEnd, {2, 0});
  REQUIRE(std::memcmp(bench.device.slot, model.data(), model.size()) == 0 && bench.device.loads == 1);
  Bytes announced = begin(mltk::Transfer::kModel, model, 3);
  announced[10] ^= 1;
  bench.ask(Request::kBegin, announced);
  for (uint32_t at = 0; at < 1200; at += 400) bench.ask(Request::kData, piece(3, at, model, 400));
  bench.ask(Request::kEnd, {3, 0}, BoardStatus::kCheckSum);
  REQUIRE(bench.device.loads == 1);
}

void check_parameters() {
  Bench bench;
  bench.ask(Request::kHello, {1, 1});
  bench.ask(Request::kSet, {0, 99, 0, 0, 0, 1, 200, 0, 0, 0});
  REQUIRE(mltk::read_u32(&bench.ask(Request::kGet, {0})[0]) == 99);
  REQUIRE(mltk::read_u32(&bench.ask(Request::kGet, {1})[0]) == 200);
  for (const Bytes& bad : {Bytes{0, 0, 1, 0, 0}, Bytes{9, 1, 0, 0, 0}, Bytes{1, 0, 0, 0, 0},
                           Bytes{0, 5, 0, 0, 0, 4, 255, 255, 255, 255}}) {
    bench.ask(Request::kSet, bad, BoardStatus::kRefused);
  }
  bench.ask(Request::kSet, {0, 1}, BoardStatus::kMalformed);
  REQUIRE(mltk::read_u32(&bench.ask(Request::kGet, {0})[0]) == 99);  // all or none
  bench.ask(Request::kGet, {6}, BoardStatus::kNoSuch);
}

void check_profile() {
  Bench bench;
  bench.ask(Request::kHello, {1, 1});
  REQUIRE(mltk::read_u32(&bench.ask(Request::kProfile, {})[0]) == 1);
  const Bytes row = bench.ask(Request::kLayer, {0, 0});
  REQUIRE(std::string(row.begin() + 4, row.end()) == "CONV_2D");
  bench.ask(Request::kLayer, {1, 0}, BoardStatus::kNoSuch);
}

// Every whole frame gets one reply that says which one it answers; noise gets none.
template <class Kind>
void check_anything(Random& random) {
  Kind bench;
  if (random() % 4 != 0) bench.ask(Request::kHello, {1, 1});
  const Bytes kinds = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 0, 200};
  const Bytes data = random_bytes(random, 2 * below(random, 400));
  for (int i = 0; i < 60; ++i) {
    if (random() % 8 == 0) bench.exchange(random_bytes(random, below(random, 700)));
    if (random() % 10 == 0) bench.exchange(Bytes{0xF6});
    if (random() % 6 == 0) {
      const auto kind = static_cast<mltk::Transfer>(1 + below(random, 2));
      bench.exchange(encoded(16, static_cast<uint16_t>(random()), begin(kind, data, 1)));
    }
    if (random() % 3 == 0 && !data.empty()) {
      const auto at = static_cast<uint32_t>(below(random, data.size()) / 2 * 2);
      const size_t count = below(random, std::min<size_t>(data.size() - at, 500) + 1);
      bench.exchange(encoded(17, static_cast<uint16_t>(random()), piece(1, at, data, count)));
    }
    const auto sequence = static_cast<uint16_t>(random());
    const Bytes payload = random_bytes(random, random() % 3 == 0 ? below(random, 513) : below(random, 12));
    bench.exchange(Bytes{0xF6});  // whatever was open is closed
    const auto found = bench.exchange(encoded(kinds[below(random, kinds.size())], sequence, payload));
    REQUIRE(!found.empty() && found.back().type == 0x80 &&
            mltk::read_u16(&found.back().payload[1]) == sequence);
    const int16_t samples[] = {77, 1, 2, 66};
    if (random() % 4 == 0) bench.board.microphone(samples, 1 + below(random, 4));
  }
}

void check_microphone_alone() {
  MicrophoneBench bench;
  REQUIRE(std::string(bench.device.sent.begin(), bench.device.sent.end()) ==
          "mltk board fake?[2J, microphone, protocol 1\r\n");
  const Bytes hello = bench.ask(Request::kHello, {1, 1});
  REQUIRE(mltk::read_u32(&hello[13]) == 48000 && mltk::read_u32(&hello[17]) == 0);
  REQUIRE(bench.ask(Request::kName, {0}).size() > 0);
  bench.ask(Request::kName, {1}, BoardStatus::kNoSuch);
  bench.ask(Request::kSet, {0, 1, 0, 0, 0}, BoardStatus::kUnsupported);
  bench.ask(Request::kGet, {0}, BoardStatus::kUnsupported);
  bench.ask(Request::kBegin, begin(mltk::Transfer::kSamples, {1, 2}, 1), BoardStatus::kUnsupported);
  bench.ask(Request::kStart, {mltk::kTellAudio | mltk::kTellScores | mltk::kTellColumns});
  const int16_t samples[] = {5, -6, 66};
  for (uint32_t first = 0; first < 6; first += 3) {
    bench.device.sent.clear();
    bench.board.microphone(samples, 3);
    mltk::FrameParser parser;
    const auto found = parse(parser, bench.device.sent);
    REQUIRE(found.size() == 1 && found[0].type == 0x83 && found[0].payload.size() == 10);
    REQUIRE(mltk::read_u32(&found[0].payload[0]) == first);
    REQUIRE(static_cast<int16_t>(mltk::read_u16(&found[0].payload[6])) == -6);
  }
  bench.board.use(bench.pipeline);
  REQUIRE(mltk::read_u32(&bench.ask(Request::kHello, {1, 1})[13]) == 16000);
}

}  // namespace

int main() {
  check_text();
  check_versions();
  check_hello();
  check_samples();
  check_model();
  check_parameters();
  check_profile();
  check_microphone_alone();
  Random random(3);
  for (int i = 0; i < 300; ++i) check_anything<Bench>(random);
  for (int i = 0; i < 100; ++i) check_anything<MicrophoneBench>(random);
}
