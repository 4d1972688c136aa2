#include "model_view.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

namespace mltk {
namespace {

struct TypeInfo {
  size_t element_bytes;  // 0: no fixed size
  int runtime_type;      // TfLiteType
};

// Indexed by TensorType: float32, float16, int32, uint8, int64, string, bool, int16, complex64, int8.
constexpr std::array<TypeInfo, 10> kTypes = {
    {{4, 1}, {2, 10}, {4, 2}, {1, 3}, {8, 4}, {0, 5}, {1, 6}, {2, 7}, {8, 8}, {1, 9}}};

// Field numbers of the .tflite schema's tables.
namespace model_field {
constexpr int kCodes = 1, kGraphs = 2, kBuffers = 4;
}
namespace code_field {
constexpr int kOldBuiltin = 0, kCustom = 1, kBuiltin = 3;
}
namespace graph_field {
constexpr int kTensors = 0, kInputs = 1, kOutputs = 2, kOps = 3;
}
namespace tensor_field {
constexpr int kShape = 0, kType = 1, kBuffer = 2;
}
namespace op_field {
constexpr int kCode = 0, kInputs = 1, kOutputs = 2;
}
namespace buffer_field {
constexpr int kData = 0, kOffset = 1;
}

constexpr int32_t kOptionalTensor = -1;

void check_indices(const std::vector<int32_t>& indices, size_t tensors, bool optional) {
  for (int32_t i : indices) {
    if (optional && i == kOptionalTensor) continue;
    if (i < 0 || static_cast<size_t>(i) >= tensors) throw RunnerError("model: tensor index out of range");
  }
}

}  // namespace

bool TensorView::has_fixed_size() const {
  return schema_type >= 0 && static_cast<size_t>(schema_type) < kTypes.size() &&
         kTypes[static_cast<size_t>(schema_type)].element_bytes != 0;
}

size_t TensorView::bytes() const {
  if (!has_fixed_size()) {
    throw RunnerError("model: tensor type " + std::to_string(schema_type) + " is not supported");
  }
  size_t total = kTypes[static_cast<size_t>(schema_type)].element_bytes;
  for (int32_t dimension : shape) {
    const auto n = static_cast<size_t>(dimension);
    // The limit keeps sums of tensor sizes far from overflow; TFLM counts in int.
    if (n != 0 && total > std::numeric_limits<int32_t>::max() / n)
      throw RunnerError("model: tensor too large");
    total *= n;
  }
  return total;
}

int TensorView::runtime_type() const {
  return has_fixed_size() ? kTypes[static_cast<size_t>(schema_type)].runtime_type : -1;
}

ModelView::ModelView(const uint8_t* data, size_t size) : data_(data), file_(data, size) {
  if (size < 8 || std::memcmp(data + 4, "TFL3", 4) != 0) throw RunnerError("not a .tflite file");
  const auto codes = read_codes();
  const auto buffer_sizes = read_buffer_sizes();
  for (size_t table : file_.references(file_.root(), model_field::kGraphs)) {
    graphs_.push_back(read_graph(table, codes, buffer_sizes));
  }
  if (graphs_.empty()) throw RunnerError("model has no subgraph");
  if (main_graph().inputs.empty() || main_graph().outputs.empty()) {
    throw RunnerError("model has no inputs or no outputs");
  }
}

size_t ModelView::count_ops(int32_t builtin) const {
  size_t count = 0;
  for (const GraphView& graph : graphs_) {
    count += static_cast<size_t>(std::count_if(graph.ops.begin(), graph.ops.end(),
                                               [&](const OpView& op) { return op.builtin == builtin; }));
  }
  return count;
}

std::vector<ModelView::OpCode> ModelView::read_codes() const {
  std::vector<OpCode> codes;
  for (size_t table : file_.references(file_.root(), model_field::kCodes)) {
    // Codes above 127 do not fit the old field, which then holds a placeholder below the new one.
    const int32_t old_code = file_.scalar<int8_t>(table, code_field::kOldBuiltin, 0);
    const auto new_code = file_.scalar<int32_t>(table, code_field::kBuiltin, 0);
    codes.push_back({std::max(old_code, new_code), file_.string(table, code_field::kCustom)});
  }
  return codes;
}

std::vector<size_t> ModelView::read_buffer_sizes() const {
  std::vector<size_t> sizes;
  for (size_t table : file_.references(file_.root(), model_field::kBuffers)) {
    if (file_.scalar<uint64_t>(table, buffer_field::kOffset, 0) > 1) {
      throw RunnerError("model: weights outside the flatbuffer are not supported");
    }
    sizes.push_back(file_.vector<uint8_t>(table, buffer_field::kData).size());
  }
  return sizes;
}

GraphView ModelView::read_graph(size_t table, const std::vector<OpCode>& codes,
                                const std::vector<size_t>& buffer_sizes) const {
  GraphView graph;
  for (size_t t : file_.references(table, graph_field::kTensors))
    graph.tensors.push_back(read_tensor(t, buffer_sizes));
  graph.inputs = file_.vector<int32_t>(table, graph_field::kInputs);
  graph.outputs = file_.vector<int32_t>(table, graph_field::kOutputs);
  check_indices(graph.inputs, graph.tensors.size(), false);
  check_indices(graph.outputs, graph.tensors.size(), false);
  for (size_t t : file_.references(table, graph_field::kOps)) {
    graph.ops.push_back(read_op(t, codes));
    check_indices(graph.ops.back().inputs, graph.tensors.size(), true);
    check_indices(graph.ops.back().outputs, graph.tensors.size(), true);
  }
  return graph;
}

TensorView ModelView::read_tensor(size_t table, const std::vector<size_t>& buffer_sizes) const {
  TensorView tensor;
  tensor.shape = file_.vector<int32_t>(table, tensor_field::kShape);
  tensor.schema_type = file_.scalar<int8_t>(table, tensor_field::kType, 0);
  tensor.buffer = file_.scalar<uint32_t>(table, tensor_field::kBuffer, 0);
  if (std::any_of(tensor.shape.begin(), tensor.shape.end(), [](int32_t n) { return n < 0; })) {
    throw RunnerError("model: negative tensor dimension");
  }
  if (tensor.buffer >= buffer_sizes.size()) throw RunnerError("model: buffer index out of range");
  const size_t stored = buffer_sizes[tensor.buffer];
  if (stored != 0 && tensor.has_fixed_size() && stored < tensor.bytes()) {
    throw RunnerError("model: a constant tensor is larger than its buffer");
  }
  return tensor;
}

OpView ModelView::read_op(size_t table, const std::vector<OpCode>& codes) const {
  const auto code = file_.scalar<uint32_t>(table, op_field::kCode, 0);
  if (code >= codes.size()) throw RunnerError("model: operator code index out of range");
  return {codes[code].builtin, codes[code].custom, file_.vector<int32_t>(table, op_field::kInputs),
          file_.vector<int32_t>(table, op_field::kOutputs)};
}

}  // namespace mltk
