#include "mltk/board.hpp"

#include <string.h>

namespace mltk {
namespace {

constexpr size_t kReplyHeader = 4;  // request, its sequence, status
constexpr size_t kDetectionBytes = 6;
constexpr size_t kDataHeader = 6;

size_t length_of(const char* text) {
  size_t n = 0;
  while (text[n] != '\0') ++n;
  return n;
}

int32_t* whole_number(PipelineSettings& s, Parameter parameter) {
  if (parameter == Parameter::kLatency) return &s.latency_ms;
  if (parameter == Parameter::kMinimumCount) return &s.recogniser.minimum_count;
  return nullptr;
}

// False for a parameter that there is not, or a value that does not fit its type.
bool assign(PipelineSettings& s, Parameter parameter, int32_t value) {
  if (value < 0) return false;
  if (int32_t* number = whole_number(s, parameter)) {
    *number = value;
  } else if (parameter == Parameter::kAverageWindow) {
    s.recogniser.average_window_duration = value;
  } else if (parameter == Parameter::kSuppression) {
    s.recogniser.suppression = value;
  } else if (parameter == Parameter::kVolumeGain) {
    s.volume_gain = static_cast<float>(value) / 1000.0f;
  } else if (parameter == Parameter::kThreshold && value <= 255) {
    memset(s.recogniser.thresholds, value, sizeof s.recogniser.thresholds);
  } else {
    return false;
  }
  return true;
}

bool value_of(const PipelineSettings& settings, Parameter parameter, uint32_t* value) {
  PipelineSettings s = settings;
  if (const int32_t* number = whole_number(s, parameter)) {
    *value = static_cast<uint32_t>(*number);
  } else if (parameter == Parameter::kAverageWindow) {
    *value = static_cast<uint32_t>(s.recogniser.average_window_duration);
  } else if (parameter == Parameter::kSuppression) {
    *value = static_cast<uint32_t>(s.recogniser.suppression);
  } else if (parameter == Parameter::kVolumeGain) {
    *value = static_cast<uint32_t>(s.volume_gain * 1000.0f + 0.5f);
  } else if (parameter == Parameter::kThreshold) {
    *value = s.recogniser.thresholds[0];
  } else {
    return false;
  }
  return true;
}

}  // namespace

void Board::use(Pipeline& pipeline) {
  pipeline_ = &pipeline;
  begin_stream();
}

void Board::boot() {
  parser_.reset();
  greeted_ = failed_ = false;
  running_ = true;
  tell_ = kTellText;
  answered_type_ = 0;
  transfer_ = Transfer::kNone;
  received_ = 0;
  transfer_bytes_ = 0;
  begin_stream();
  print("mltk board ");
  print_name(device_.name(0));
  print(", model ");
  print_name(device_.name(1));
  print(", protocol ");
  print_number(kProtocolVersion);
  print("\r\n");
}

void Board::receive(const uint8_t* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (parser_.push(bytes[i]) == FrameParser::Event::kFrame) handle(parser_.frame());
  }
}

void Board::microphone(const int16_t* samples, size_t count) {
  if (running_ && transfer_ != Transfer::kSamples) hear(samples, count);
}

void Board::begin_stream() {
  pipeline_->reset();
  failed_ = false;
  samples_heard_ = 0;
  detections_ = 0;
}

void Board::hear(const int16_t* samples, size_t count) {
  if (failed_) return;
  constexpr size_t kPiece = (kMaxPayload - 4) / sizeof(int16_t);
  while (count > 0) {
    const size_t n = count < kPiece ? count : kPiece;
    if (tells(kTellAudio)) {
      uint8_t payload[kMaxPayload];
      write_u32(payload, samples_heard_);
      for (size_t i = 0; i < n; ++i) write_u16(payload + 4 + 2 * i, static_cast<uint16_t>(samples[i]));
      send(Report::kAudio, payload, 4 + 2 * n);
    }
    samples_heard_ += static_cast<uint32_t>(n);
    if (!pipeline_->process(samples, n)) {
      failed_ = true;
      return;
    }
    samples += n;
    count -= n;
  }
}

void Board::on_columns(const ColumnView& columns) {
  if (!tells(kTellColumns)) return;
  constexpr size_t kHeader = 7;
  const size_t value_bytes = columns.levels != nullptr ? 2 : 4;
  const size_t most = (kMaxPayload - kHeader) / value_bytes;
  for (size_t c = 0; c < columns.count; ++c) {
    for (size_t band = 0; band < columns.channels; band += most) {
      uint8_t payload[kMaxPayload];
      const size_t n = columns.channels - band < most ? columns.channels - band : most;
      const size_t at = c * columns.channels + band;
      write_u32(payload, static_cast<uint32_t>(columns.first + static_cast<int64_t>(c)));
      write_u16(payload + 4, static_cast<uint16_t>(band));
      payload[6] = columns.levels == nullptr;
      for (size_t i = 0; i < n; ++i) {
        uint8_t* out = payload + kHeader + i * value_bytes;
        if (columns.levels != nullptr) {
          write_u16(out, columns.levels[at + i]);
        } else {
          uint32_t bits;
          memcpy(&bits, columns.values + at + i, sizeof bits);
          write_u32(out, bits);
        }
      }
      send(Report::kColumn, payload, kHeader + n * value_bytes);
    }
  }
}

void Board::on_scores(int64_t time_ms, const uint8_t* scores) {
  if (!tells(kTellScores)) return;
  const auto classes = static_cast<size_t>(pipeline_->settings().recogniser.classes);
  uint8_t payload[4 + kRecogniserMaxClasses];
  write_u32(payload, static_cast<uint32_t>(time_ms));
  memcpy(payload + 4, scores, classes);
  send(Report::kScores, payload, 4 + classes);
}

void Board::on_detection(const Detection& detection) {
  const Logged entry = {static_cast<uint32_t>(detection.time), static_cast<uint8_t>(detection.class_index),
                        detection.score};
  const uint32_t number = detections_++;
  log_[number % kLogged] = entry;
  if (tells(kTellText)) print_detection(detection);
  if (!tells(kTellDetections)) return;
  uint8_t payload[4 + kDetectionBytes];
  write_u32(payload, number);
  write_u32(payload + 4, entry.time_ms);
  payload[8] = entry.class_index;
  payload[9] = entry.score;
  send(Report::kDetection, payload, sizeof payload);
}

// A request that comes again, because its reply was lost, gets the same reply and is not carried out twice.
void Board::handle(const Frame& frame) {
  const bool again = answered_type_ == frame.type && answered_sequence_ == frame.sequence;
  if (again && frame.type != static_cast<uint8_t>(Request::kData)) {
    send(Report::kReply, reply_, reply_length_);
    return;
  }
  reply_length_ = kReplyHeader;
  const BoardStatus status = answer(frame);
  reply(frame, status);
}

void Board::reply(const Frame& frame, BoardStatus status) {
  reply_[0] = frame.type;
  write_u16(reply_ + 1, frame.sequence);
  reply_[3] = static_cast<uint8_t>(status);
  answered_type_ = frame.type;
  answered_sequence_ = frame.sequence;
  send(Report::kReply, reply_, reply_length_);
}

BoardStatus Board::answer(const Frame& frame) {
  const auto request = static_cast<Request>(frame.type);
  if (request == Request::kHello) return hello(frame);
  if (frame.version != kProtocolVersion) return BoardStatus::kVersion;
  if (!greeted_) return BoardStatus::kNoHello;
  switch (request) {
    case Request::kName:
      return tell_name(frame);
    case Request::kStart:
      return start(frame);
    case Request::kStop:
      running_ = false;
      return BoardStatus::kOk;
    case Request::kSet:
      return set(frame);
    case Request::kGet:
      return get(frame);
    case Request::kProfile:
      return tell_profile();
    case Request::kLayer:
      return tell_layer(frame);
    case Request::kDetections:
      return tell_detections(frame);
    case Request::kBegin:
      return begin(frame);
    case Request::kData:
      return data(frame);
    case Request::kEnd:
      return end(frame);
    case Request::kAbort:
      transfer_ = Transfer::kNone;
      transfer_bytes_ = 0;
      return BoardStatus::kOk;
    default:
      return BoardStatus::kUnknownRequest;
  }
}

BoardStatus Board::hello(const Frame& frame) {
  if (frame.length != 2 || frame.payload[0] > frame.payload[1]) return BoardStatus::kMalformed;
  reply_[reply_length_++] = kProtocolVersion;
  if (kProtocolVersion < frame.payload[0] || kProtocolVersion > frame.payload[1])
    return BoardStatus::kVersion;
  greeted_ = true;
  running_ = false;
  tell_ = 0;
  if (transfer_ == Transfer::kSamples) transfer_ = Transfer::kNone;
  const BoardInfo info = device_.info();
  const PipelineShape& shape = pipeline_->shape();
  put_u16(static_cast<uint16_t>(kMaxPayload));
  put_u16(info.frames_ahead);
  put_u32(info.boot);
  put_u32(info.slot_bytes);
  put_u32(static_cast<uint32_t>(shape.sample_rate_hz));
  put_u16(static_cast<uint16_t>(shape.columns));
  put_u16(static_cast<uint16_t>(shape.channels));
  put_u32(info.model_check);
  return BoardStatus::kOk;
}

BoardStatus Board::tell_name(const Frame& frame) {
  if (frame.length != 1) return BoardStatus::kMalformed;
  const char* name = device_.name(frame.payload[0]);
  if (name == nullptr) return BoardStatus::kNoSuch;
  put_text(name);
  return BoardStatus::kOk;
}

BoardStatus Board::start(const Frame& frame) {
  if (frame.length != 1) return BoardStatus::kMalformed;
  tell_ = frame.payload[0];
  running_ = true;
  begin_stream();
  return BoardStatus::kOk;
}

BoardStatus Board::set(const Frame& frame) {
  constexpr size_t kEach = 5;
  if (frame.length == 0 || frame.length % kEach != 0) return BoardStatus::kMalformed;
  PipelineSettings changed = pipeline_->settings();
  for (size_t at = 0; at < frame.length; at += kEach) {
    const auto value = static_cast<int32_t>(read_u32(frame.payload + at + 1));
    if (!assign(changed, static_cast<Parameter>(frame.payload[at]), value)) return BoardStatus::kRefused;
  }
  if (!is_valid(changed)) return BoardStatus::kRefused;
  pipeline_->configure(changed);
  begin_stream();
  return BoardStatus::kOk;
}

BoardStatus Board::get(const Frame& frame) {
  uint32_t value = 0;
  if (frame.length != 1) return BoardStatus::kMalformed;
  if (!value_of(pipeline_->settings(), static_cast<Parameter>(frame.payload[0]), &value))
    return BoardStatus::kNoSuch;
  put_u32(value);
  return BoardStatus::kOk;
}

BoardStatus Board::tell_profile() {
  BoardProfile profile{};
  if (!device_.profile(&profile)) return BoardStatus::kUnsupported;
  put_u32(profile.layers);
  put_u32(profile.time_ns);
  put_u32(profile.arena_bytes);
  put_u32(profile.model_bytes);
  return BoardStatus::kOk;
}

BoardStatus Board::tell_layer(const Frame& frame) {
  BoardLayer layer{};
  if (frame.length != 2) return BoardStatus::kMalformed;
  if (!device_.layer(read_u16(frame.payload), &layer)) return BoardStatus::kNoSuch;
  put_u32(layer.time_ns);
  put_text(layer.name);
  return BoardStatus::kOk;
}

BoardStatus Board::tell_detections(const Frame& frame) {
  if (frame.length != 4) return BoardStatus::kMalformed;
  const uint32_t oldest = detections_ > kLogged ? detections_ - kLogged : 0;
  uint32_t number = read_u32(frame.payload);
  if (number < oldest) number = oldest;
  put_u32(detections_);
  put_u32(number);
  for (; number < detections_ && reply_length_ + kDetectionBytes <= kMaxPayload; ++number) {
    const Logged& entry = log_[number % kLogged];
    put_u32(entry.time_ms);
    reply_[reply_length_++] = entry.class_index;
    reply_[reply_length_++] = entry.score;
  }
  return BoardStatus::kOk;
}

// A model that was cut off in the middle goes on where it was: its size and check sum say that it is the
// same.
BoardStatus Board::begin(const Frame& frame) {
  if (frame.length != 11) return BoardStatus::kMalformed;
  const auto kind = static_cast<Transfer>(frame.payload[0]);
  const uint32_t bytes = read_u32(frame.payload + 3), check = read_u32(frame.payload + 7);
  if (kind != Transfer::kSamples && kind != Transfer::kModel) return BoardStatus::kUnsupported;
  if (kind == Transfer::kModel && device_.info().slot_bytes == 0) return BoardStatus::kUnsupported;
  if (kind == Transfer::kModel && bytes > device_.info().slot_bytes) return BoardStatus::kRefused;
  const bool same = transfer_ == Transfer::kModel && transfer_bytes_ == bytes && transfer_check_ == check;
  if (kind != Transfer::kModel || !same) received_ = check_ = 0;
  transfer_ = kind;
  transfer_id_ = read_u16(frame.payload + 1);
  transfer_bytes_ = bytes;
  transfer_check_ = check;
  if (kind == Transfer::kSamples) begin_stream();
  put_u32(received_);
  return BoardStatus::kOk;
}

BoardStatus Board::data(const Frame& frame) {
  if (frame.length < kDataHeader) return BoardStatus::kMalformed;
  if (transfer_ == Transfer::kNone || read_u16(frame.payload) != transfer_id_)
    return BoardStatus::kNoTransfer;
  const size_t count = frame.length - kDataHeader;
  const uint8_t* bytes = frame.payload + kDataHeader;
  BoardStatus status = BoardStatus::kOk;
  if (read_u32(frame.payload + 2) != received_) {
    status = BoardStatus::kOutOfOrder;
  } else if (count > transfer_bytes_ - received_) {
    status = BoardStatus::kMalformed;
  } else {
    if (transfer_ == Transfer::kSamples) {
      status = take_samples(bytes, count);
    } else if (!device_.write_slot(received_, bytes, count)) {
      status = BoardStatus::kFailed;
    }
    if (status == BoardStatus::kOk) {
      received_ += static_cast<uint32_t>(count);
      check_ = crc32(bytes, count, check_);
    }
  }
  put_u32(received_);
  return status;
}

BoardStatus Board::take_samples(const uint8_t* bytes, size_t count) {
  if (count % sizeof(int16_t) != 0) return BoardStatus::kMalformed;
  int16_t samples[kMaxPayload / sizeof(int16_t)];
  for (size_t i = 0; i < count / 2; ++i) samples[i] = static_cast<int16_t>(read_u16(bytes + 2 * i));
  hear(samples, count / 2);
  return failed_ ? BoardStatus::kFailed : BoardStatus::kOk;
}

BoardStatus Board::end(const Frame& frame) {
  if (frame.length != 2) return BoardStatus::kMalformed;
  if (transfer_ == Transfer::kNone || read_u16(frame.payload) != transfer_id_)
    return BoardStatus::kNoTransfer;
  put_u32(received_);
  put_u32(detections_);
  if (received_ != transfer_bytes_) return BoardStatus::kOutOfOrder;
  const bool model = transfer_ == Transfer::kModel;
  transfer_ = Transfer::kNone;
  if (check_ != transfer_check_) return BoardStatus::kCheckSum;
  running_ = false;
  return model ? end_model() : BoardStatus::kOk;
}

// The slot is read back: flash can fail too.
BoardStatus Board::end_model() {
  uint32_t check = 0;
  for (uint32_t at = 0; at < transfer_bytes_;) {
    uint8_t piece[64];
    const uint32_t left = transfer_bytes_ - at;
    const size_t n = left < sizeof piece ? left : sizeof piece;
    if (!device_.read_slot(at, piece, n)) return BoardStatus::kFailed;
    check = crc32(piece, n, check);
    at += static_cast<uint32_t>(n);
  }
  if (check != transfer_check_) return BoardStatus::kCheckSum;
  return device_.load_slot(transfer_bytes_) ? BoardStatus::kOk : BoardStatus::kFailed;
}

void Board::send(Report type, const uint8_t* payload, size_t length) {
  write_frame(device_, {kProtocolVersion, static_cast<uint8_t>(type), sequence_++, length, payload});
}

void Board::put_u16(uint16_t value) {
  write_u16(reply_ + reply_length_, value);
  reply_length_ += 2;
}

void Board::put_u32(uint32_t value) {
  write_u32(reply_ + reply_length_, value);
  reply_length_ += 4;
}

void Board::put_text(const char* text) {
  const size_t room = kMaxPayload - reply_length_, length = length_of(text);
  const size_t n = length < room ? length : room;
  memcpy(reply_ + reply_length_, text, n);
  reply_length_ += n;
}

void Board::print(const char* text) {
  device_.write(reinterpret_cast<const uint8_t*>(text), length_of(text));
}

void Board::print_number(uint32_t value) {
  char digits[11];
  size_t at = sizeof digits - 1;
  digits[at] = '\0';
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  print(digits + at);
}

// What JSON would escape or a terminal would obey becomes a question mark. In UTF-8 the controls above ASCII,
// U+0080 to U+009F, are the byte 0xC2 and one of 0x80 to 0x9F.
void Board::print_name(const char* name) {
  uint8_t before = 0;
  for (; *name != '\0'; ++name) {
    const auto byte = static_cast<uint8_t>(*name);
    const bool control = byte < 0x20 || byte == 0x7F || (before == 0xC2 && byte < 0xA0);
    const bool plain = *name != '"' && *name != '\\' && !control;
    before = byte;
    const char text[2] = {plain ? *name : '?', '\0'};
    print(text);
  }
}

// As SensiML's gateway reads them; its class 0 is "unknown".
void Board::print_detection(const Detection& detection) {
  const auto index = static_cast<uint32_t>(detection.class_index);
  print("{\"ModelNumber\":0,\"Classification\":");
  print_number(index + 1);
  print(",\"Label\":\"");
  print_name(device_.name(2 + index));
  print("\",\"Score\":");
  print_number(detection.score);
  print(",\"TimeMs\":");
  print_number(static_cast<uint32_t>(detection.time));
  print("}\r\n");
}

}  // namespace mltk
