// Samples go to the pipeline; what it hears is told to the host: audio, columns, scores, detections.
#include <string.h>

#include "mltk/board.hpp"

namespace mltk {

void Board::microphone(const int16_t* samples, size_t count) {
  if (running_ && transfer_ != Transfer::kSamples) hear(samples, count);
}

BoardStatus Board::start(const Frame& frame) {
  if (frame.length != 1) return BoardStatus::kMalformed;
  tell_ = frame.payload[0];
  running_ = true;
  begin_stream();
  return BoardStatus::kOk;
}

void Board::begin_stream() {
  if (pipeline_ != nullptr) pipeline_->reset();
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
    if (pipeline_ != nullptr && !pipeline_->process(samples, n)) {
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

}  // namespace mltk
