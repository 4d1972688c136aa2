// Every request gets one reply: it is put together here, kept, and sent again when it was lost.
#include "mltk/board.hpp"

namespace mltk {
namespace {

constexpr size_t kReplyHeader = 4;  // request, its sequence, status

}  // namespace

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
  for (; *text != '\0' && reply_length_ < kMaxPayload; ++text) {
    reply_[reply_length_++] = static_cast<uint8_t>(*text);
  }
}

}  // namespace mltk
