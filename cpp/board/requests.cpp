// What a host may ask: which request is which, and those that only tell something.
#include "mltk/board.hpp"

namespace mltk {

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
  const PipelineShape shape =
      pipeline_ != nullptr ? pipeline_->shape() : PipelineShape{microphone_hz_, 0, 0, 0, 0};
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

}  // namespace mltk
