// One model in TensorFlow Lite Micro: load, run frame by frame, time each operator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "library.hpp"
#include "model_view.hpp"

namespace mltk {

struct OpTime {
  std::string op;
  uint64_t ns;
};

class Runner {
 public:
  // Throws RunnerError when the model is unsound, the arena is too small, or the library is not laid out as
  // expected. `profile` costs less than 1 % of the run time.
  Runner(const Library& library, const std::vector<uint8_t>& model, size_t arena_bytes, bool profile);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  const ModelView& model() const { return *view_; }
  // A frame is the bytes of all inputs (outputs) one after another.
  size_t input_frame_bytes() const;
  size_t output_frame_bytes() const;

  void set_input_frame(const uint8_t* frame);
  void invoke();
  void get_output_frame(uint8_t* frame) const;
  // Clears the state that streaming models keep between frames.
  void reset();

  // Of the latest invoke; one entry for each operator run. Empty without profiling.
  std::vector<OpTime> profile() const;

  size_t arena_used_bytes() const;
  size_t activations_bytes() const;  // scratch shared by lifetime: what a microcontroller needs too
  size_t persistent_bytes() const;   // runtime structures of this 64-bit build: an upper bound for 32 bits

 private:
  class Recorder;
  struct FreeAligned {
    void operator()(uint8_t* memory) const;
  };
  using AlignedBytes = std::unique_ptr<uint8_t, FreeAligned>;

  static AlignedBytes aligned_bytes(size_t size);
  void build_interpreter();
  void check_arena() const;
  void check_profile() const;
  uint8_t* tensor_data(const void* tensor, const TensorView& expected, const std::string& name) const;
  bool in_arena(const void* start, size_t size) const;
  bool in_model(const void* start, size_t size) const;
  std::string tag_text(const char* tag) const;

  const Library& library_;
  size_t model_bytes_;
  size_t arena_bytes_;
  AlignedBytes model_;
  AlignedBytes arena_;
  std::unique_ptr<ModelView> view_;
  std::unique_ptr<Recorder> recorder_;
  OpaqueStorage resolver_;
  OpaqueStorage interpreter_;
  void* allocator_ = nullptr;
  bool profile_checked_ = false;
  std::vector<uint8_t*> inputs_;
  std::vector<uint8_t*> outputs_;
};

}  // namespace mltk
