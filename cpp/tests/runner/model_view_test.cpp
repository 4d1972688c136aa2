// Reads sound, truncated and mutated models. Run it with the sanitizers: a read outside the file ends it.
#include "model_view.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<uint8_t>;

void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

Bytes read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  Bytes bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  check(!bytes.empty(), path);
  return bytes;
}

// Whether the model is accepted. The copy has exactly the size of the content, so that the sanitizers see
// every step beyond it.
bool accepted(const uint8_t* data, size_t size) {
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[size]);
  std::copy(data, data + size, copy.get());
  try {
    const mltk::ModelView view(copy.get(), size);
    for (const auto& graph : view.graphs()) {
      for (const auto& tensor : graph.tensors) {
        if (tensor.has_fixed_size()) tensor.bytes();
      }
    }
    return true;
  } catch (const mltk::RunnerError&) {
    return false;
  }
}

void test_sound(const Bytes& conv, const Bytes& tenet) {
  const mltk::ModelView small(conv.data(), conv.size());
  check(small.input(0).shape == std::vector<int32_t>({1, 16, 8, 1}), "input shape");
  check(small.input(0).bytes() == 128, "input size");
  check(small.output(0).bytes() == 4, "output size");
  check(small.input(0).schema_type == 9 && small.input(0).runtime_type() == 9, "int8 in both numberings");
  check(small.graphs().size() == 1, "one graph");
  const mltk::ModelView view(tenet.data(), tenet.size());
  check(view.count_ops(0) == 2, "two additions");             // BuiltinOperator_ADD
  check(view.main_graph().ops.back().builtin == 25, "last");  // BuiltinOperator_SOFTMAX
}

// Files are padded at the front and data follow in any order, so nearly every cut removes something needed.
void test_truncated(const Bytes& model) {
  size_t survivors = 0;
  for (size_t size = 0; size < model.size(); ++size) survivors += accepted(model.data(), size) ? 1 : 0;
  check(survivors < 32, "truncated models are refused");
}

void test_mutated(const Bytes& model) {
  std::mt19937 random(1);
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    Bytes changed = model;
    for (int i = 0; i < 4; ++i) changed[random() % changed.size()] = static_cast<uint8_t>(random());
    refused += accepted(changed.data(), changed.size()) ? 0 : 1;
  }
  check(refused > 100, "some mutations are refused");
}

}  // namespace

int main(int argc, char** argv) {
  check(argc == 3, "usage: model_view_test tiny_conv.tflite tiny_tenet.tflite");
  const Bytes conv = read_file(argv[1]);
  const Bytes tenet = read_file(argv[2]);
  test_sound(conv, tenet);
  check(!accepted(reinterpret_cast<const uint8_t*>("TFL3TFL3TFL3"), 12), "text is no model");
  test_truncated(conv);
  test_truncated(tenet);
  test_mutated(conv);
  test_mutated(tenet);
  return 0;
}
