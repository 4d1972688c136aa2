// Bounds-checked, read-only view of the parts of a .tflite file (a flatbuffer) that the runner needs.
// TFLM trusts its input; whatever is wrong with a file's structure is found here first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "flatbuffer.hpp"

namespace mltk {

struct TensorView {
  std::vector<int32_t> shape;
  int8_t schema_type = 0;  // TensorType of the .tflite schema
  uint32_t buffer = 0;

  // Size of the tensor's data; throws RunnerError for types without a fixed size, and on overflow.
  size_t bytes() const;
  bool has_fixed_size() const;
  // The TfLiteType value that the runtime uses for this schema type, -1 when not supported here.
  int runtime_type() const;
};

struct OpView {
  int32_t builtin = 0;  // BuiltinOperator of the schema
  std::string custom;   // name of a custom operator, else empty
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
};

struct GraphView {
  std::vector<TensorView> tensors;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<OpView> ops;
};

class ModelView {
 public:
  // `data` must stay alive and unchanged. Throws RunnerError when the file is not a sound .tflite file.
  ModelView(const uint8_t* data, size_t size);

  const void* root_table() const { return data_ + file_.root(); }
  const GraphView& main_graph() const { return graphs_.front(); }
  const std::vector<GraphView>& graphs() const { return graphs_; }
  const TensorView& input(size_t i) const { return tensor(main_graph().inputs.at(i)); }
  const TensorView& output(size_t i) const { return tensor(main_graph().outputs.at(i)); }
  size_t count_ops(int32_t builtin) const;

 private:
  struct OpCode {
    int32_t builtin;
    std::string custom;
  };

  std::vector<OpCode> read_codes() const;
  std::vector<size_t> read_buffer_sizes() const;
  GraphView read_graph(size_t table, const std::vector<OpCode>& codes,
                       const std::vector<size_t>& buffer_sizes) const;
  TensorView read_tensor(size_t table, const std::vector<size_t>& buffer_sizes) const;
  OpView read_op(size_t table, const std::vector<OpCode>& codes) const;
  const TensorView& tensor(int32_t index) const { return main_graph().tensors[static_cast<size_t>(index)]; }

  const uint8_t* data_;
  Flatbuffer file_;
  std::vector<GraphView> graphs_;
};

}  // namespace mltk
