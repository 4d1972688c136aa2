// A board's side of the protocol (docs/board_protocol.md): takes bytes from the host and samples from the
// microphone, runs the pipeline, answers and reports. What a board is made of (its serial line, net, flash)
// is behind BoardDevice. No heap, no exceptions, no clock.
//
// Until a host says hello, detections are printed as lines of text for a terminal; after it, as frames.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mltk/frame.hpp"
#include "mltk/pipeline.hpp"

namespace mltk {

enum class Request : uint8_t {
  kHello = 0x01,
  kName = 0x02,
  kStart = 0x03,
  kStop = 0x04,
  kSet = 0x05,
  kGet = 0x06,
  kProfile = 0x07,
  kLayer = 0x08,
  kDetections = 0x09,
  kBegin = 0x10,
  kData = 0x11,
  kEnd = 0x12,
  kAbort = 0x13,
};

enum class Report : uint8_t {
  kReply = 0x80,
  kDetection = 0x81,
  kScores = 0x82,
  kAudio = 0x83,
  kColumn = 0x84,
};

enum class BoardStatus : uint8_t {
  kOk,
  kUnknownRequest,
  kMalformed,
  kVersion,
  kNoHello,
  kRefused,      ///< a value out of range
  kNoSuch,       ///< an index beyond the last
  kNoTransfer,   ///< no such transfer is under way
  kOutOfOrder,   ///< the reply says which byte is expected
  kCheckSum,     ///< the transfer's bytes are not those announced
  kUnsupported,  ///< this board cannot do that
  kFailed,       ///< the net or the model failed
};

/// What a host may ask to be told, as bits.
constexpr uint8_t kTellDetections = 1, kTellScores = 2, kTellAudio = 4, kTellColumns = 8, kTellText = 16;

enum class Parameter : uint8_t {
  kThreshold,      ///< of every class
  kLatency,        ///< ms
  kMinimumCount,   ///< results
  kAverageWindow,  ///< ms
  kSuppression,    ///< ms
  kVolumeGain,     ///< thousandths
};

enum class Transfer : uint8_t { kNone, kSamples, kModel };

struct BoardInfo {
  uint32_t boot;          ///< another one after each reset
  uint32_t slot_bytes;    ///< room for a model; 0: none can be uploaded
  uint16_t frames_ahead;  ///< frames of data that the board's line buffers while it is busy
  uint32_t model_check;   ///< CRC-32 of the bytes of the model that runs; 0: the board does not know it
};

struct BoardProfile {
  uint32_t layers;
  uint32_t time_ns;  ///< of one inference
  uint32_t arena_bytes;
  uint32_t model_bytes;
};

struct BoardLayer {
  uint32_t time_ns;
  const char* name;
};

/// What the protocol needs of a board. `write` takes the bytes of frames and text.
class BoardDevice : public ByteSink {
 public:
  virtual BoardInfo info() = 0;
  /// 0: the board's name, 1: the model's, 2 and up: those of its classes; null beyond the last, which is the
  /// board's own where it has no model.
  virtual const char* name(size_t index) = 0;
  virtual bool classify(const int8_t* window, uint8_t* scores) = 0;
  virtual bool profile(BoardProfile* profile) = 0;
  virtual bool layer(size_t index, BoardLayer* layer) = 0;
  virtual bool write_slot(uint32_t offset, const uint8_t* bytes, size_t count) = 0;
  virtual bool read_slot(uint32_t offset, uint8_t* bytes, size_t count) = 0;
  /// Takes the model in the slot into use: calls Board::use with its pipeline. False: it stays as it was.
  virtual bool load_slot(uint32_t bytes) = 0;

 protected:
  ~BoardDevice() = default;
};

class Board final : public PipelineSink {
 public:
  explicit Board(BoardDevice& device) : device_(device) {}

  /// The pipeline, which reports to this board, outlives it or the next call.
  void use(Pipeline& pipeline);
  /// A board without a model: it only tells what its microphone hears. Until use() this is its kind.
  void use_microphone(int32_t sample_rate_hz);
  /// As after a reset of the processor: text, running, nothing under way.
  void boot();
  void receive(const uint8_t* bytes, size_t count);
  /// Samples of the microphone; not heard while the host sends others, or when stopped.
  void microphone(const int16_t* samples, size_t count);

  bool classify(const int8_t* window, uint8_t* scores) override { return device_.classify(window, scores); }
  void on_columns(const ColumnView& columns) override;
  void on_scores(int64_t time_ms, const uint8_t* scores) override;
  void on_detection(const Detection& detection) override;

 private:
  static constexpr uint32_t kLogged = 64;
  static constexpr size_t kDetectionBytes = 6;  // of a frame: time, class, score
  struct Logged {
    uint32_t time_ms;
    uint8_t class_index;
    uint8_t score;
  };

  // requests.cpp
  BoardStatus answer(const Frame& frame);
  BoardStatus hello(const Frame& frame);
  BoardStatus tell_name(const Frame& frame);
  BoardStatus tell_profile();
  BoardStatus tell_layer(const Frame& frame);
  BoardStatus tell_detections(const Frame& frame);

  // settings.cpp
  BoardStatus set(const Frame& frame);
  BoardStatus get(const Frame& frame);

  // listening.cpp
  BoardStatus start(const Frame& frame);
  void begin_stream();
  void hear(const int16_t* samples, size_t count);
  bool tells(uint8_t what) const { return (tell_ & what) != 0; }

  // transfer.cpp
  BoardStatus begin(const Frame& frame);
  BoardStatus data(const Frame& frame);
  BoardStatus end(const Frame& frame);
  BoardStatus end_model();
  BoardStatus take_samples(const uint8_t* bytes, size_t count);

  // replies.cpp
  void handle(const Frame& frame);
  void reply(const Frame& frame, BoardStatus status);
  void send(Report type, const uint8_t* payload, size_t length);
  void put_u16(uint16_t value);
  void put_u32(uint32_t value);
  void put_text(const char* text);

  // text.cpp
  void print(const char* text);
  void print_name(const char* name);
  void print_number(uint32_t value);
  void print_detection(const Detection& detection);

  BoardDevice& device_;
  Pipeline* pipeline_ = nullptr;   // null: no model
  int32_t microphone_hz_ = 16000;  // of a board without a model
  FrameParser parser_;
  bool greeted_ = false;
  bool running_ = true;
  bool failed_ = false;
  uint8_t tell_ = kTellText;
  uint16_t sequence_ = 0;

  uint8_t reply_[kMaxPayload];  // of the latest request, for when it is repeated
  size_t reply_length_ = 0;
  uint8_t answered_type_ = 0;
  uint16_t answered_sequence_ = 0;

  Transfer transfer_ = Transfer::kNone;
  uint16_t transfer_id_ = 0;
  uint32_t transfer_bytes_ = 0;
  uint32_t transfer_check_ = 0;
  uint32_t received_ = 0;
  uint32_t check_ = 0;

  uint32_t samples_heard_ = 0;
  uint32_t detections_ = 0;
  Logged log_[kLogged];
};

}  // namespace mltk
