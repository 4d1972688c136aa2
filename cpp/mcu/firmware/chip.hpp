// The device behind the board protocol: the model's net, compiled in, and instructions counted layer by
// layer.
#pragma once

#include "mltk/board.hpp"

namespace mltk {

class Chip final : public BoardDevice {
 public:
  void write(const uint8_t* bytes, size_t count) override;
  BoardInfo info() override;
  const char* name(size_t index) override;
  bool classify(const int8_t* window, uint8_t* scores) override;
  /// Runs the net once. A nanosecond is an instruction: the time of a core at 1 GHz that executes one each
  /// cycle.
  bool profile(BoardProfile* profile) override;
  bool layer(size_t index, BoardLayer* layer) override;

  // The model is a part of the firmware.
  bool write_slot(uint32_t, const uint8_t*, size_t) override { return false; }
  bool read_slot(uint32_t, uint8_t*, size_t) override { return false; }
  bool load_slot(uint32_t) override { return false; }
};

}  // namespace mltk
