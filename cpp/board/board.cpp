#include "mltk/board.hpp"

namespace mltk {

void Board::use(Pipeline& pipeline) {
  pipeline_ = &pipeline;
  begin_stream();
}

void Board::use_microphone(int32_t sample_rate_hz) {
  pipeline_ = nullptr;
  microphone_hz_ = sample_rate_hz;
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
  if (pipeline_ == nullptr) {
    print(", microphone");
  } else {
    print(", model ");
    print_name(device_.name(1));
  }
  print(", protocol ");
  print_number(kProtocolVersion);
  print("\r\n");
}

void Board::receive(const uint8_t* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (parser_.push(bytes[i]) == FrameParser::Event::kFrame) handle(parser_.frame());
  }
}

}  // namespace mltk
