// BEGIN, DATA, END: samples in place of the microphone, and models for the slot.
#include "mltk/board.hpp"

namespace mltk {
namespace {

constexpr size_t kDataHeader = 6;  // transfer, offset

}  // namespace

// A model that was cut off in the middle goes on where it was: its size and check sum say that it is the
// same.
BoardStatus Board::begin(const Frame& frame) {
  if (frame.length != 11) return BoardStatus::kMalformed;
  const auto kind = static_cast<Transfer>(frame.payload[0]);
  const uint32_t bytes = read_u32(frame.payload + 3), check = read_u32(frame.payload + 7);
  if (kind != Transfer::kSamples && kind != Transfer::kModel) return BoardStatus::kUnsupported;
  if (kind == Transfer::kSamples && pipeline_ == nullptr) return BoardStatus::kUnsupported;
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

}  // namespace mltk
