#include "classifier.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <new>

namespace mltk {
namespace {

constexpr size_t kRoomyArena = size_t{64} * 1024 * 1024;  // pages that are not touched cost nothing
constexpr PipelineMemory kMemory = {FrontendPath::kFastest, 32};
constexpr int8_t kFloat32 = 0, kUint8 = 3, kInt8 = 9;  // TensorType of the schema

}  // namespace

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw RunnerError("cannot read " + path);
  return bytes;
}

void Classifier::FreeAligned::operator()(uint8_t* memory) const {
  ::operator delete[](memory, std::align_val_t{kFrontendAlignment});
}

Classifier::Block Classifier::make_block(size_t bytes) {
  return Block(new (std::align_val_t{kFrontendAlignment}) uint8_t[bytes]);
}

template <class FrontEnd>
std::unique_ptr<Pipeline, void (*)(Pipeline*)> Classifier::open(const typename FrontEnd::Settings& settings,
                                                                PipelineSink& sink) {
  const size_t bytes = tables_bytes(settings);
  tables_ = make_block(bytes);
  const typename FrontEnd::Tables* tables = nullptr;
  const auto status = build_tables(settings, tables_.get(), bytes, &tables);
  if (static_cast<int>(status) != 0) throw RunnerError(describe(status));
  using Kind = PipelineOf<FrontEnd>;
  auto pipeline = std::make_unique<Kind>();
  const size_t needed = Kind::bytes(*tables, kMemory);
  memory_ = make_block(needed);
  if (!pipeline->open(*tables, settings.sample_rate_hz, kMemory, settings_.pipeline, sink, memory_.get(),
                      needed)) {
    throw RunnerError("the pipeline cannot be opened");
  }
  return {pipeline.release(), [](Pipeline* object) { delete static_cast<Kind*>(object); }};
}

Classifier::Classifier(const Library& library, const std::vector<uint8_t>& model, PipelineSink& sink)
    : settings_(model_settings(read_parameters(model))),
      runner_(library, model, kRoomyArena, true),
      model_bytes_(model.size()),
      input_(runner_.input_frame_bytes()),
      output_(runner_.output_frame_bytes()),
      pipeline_(nullptr, [](Pipeline*) {}) {
  pipeline_ = std::holds_alternative<FrontendSettings>(settings_.frontend)
                  ? open<FixedFrontEnd>(std::get<FrontendSettings>(settings_.frontend), sink)
                  : open<FloatFrontEnd>(std::get<SpectrumSettings>(settings_.frontend), sink);
  check_model();
}

Classifier::~Classifier() = default;

void Classifier::check_model() const {
  const GraphView& graph = runner_.model().main_graph();
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1) {
    throw RunnerError("the model has " + std::to_string(graph.inputs.size()) + " inputs and " +
                      std::to_string(graph.outputs.size()) + " outputs; one of each is needed");
  }
  const TensorView& input = runner_.model().input(0);
  const TensorView& output = runner_.model().output(0);
  const PipelineShape& shape = pipeline_->shape();
  const int32_t rows = settings_.streaming_rows == 0 ? shape.columns : settings_.streaming_rows;
  if (input.schema_type != kInt8 && input.schema_type != kUint8) {
    throw RunnerError("the model's input is not int8; quantise the model");
  }
  if (rows < 0 || shape.columns % rows != 0 ||
      input_.size() != static_cast<size_t>(rows) * static_cast<size_t>(shape.channels)) {
    throw RunnerError("the model's input is not " + std::to_string(rows) + " columns of " +
                      std::to_string(shape.channels) + " values, as its front end gives");
  }
  const bool known =
      output.schema_type == kInt8 || output.schema_type == kUint8 || output.schema_type == kFloat32;
  const size_t value_bytes = output.schema_type == kFloat32 ? sizeof(float) : 1;
  if (!known || output_.size() != settings_.classes.size() * value_bytes) {
    throw RunnerError("the model's output is not one int8, uint8 or float for each of its " +
                      std::to_string(settings_.classes.size()) + " classes");
  }
}

size_t Classifier::window_bytes() const {
  const PipelineShape& shape = pipeline_->shape();
  return static_cast<size_t>(shape.columns) * static_cast<size_t>(shape.channels);
}

// The state of a net without a loop follows from the window that it was given last. So where a window
// continues that one, its end will do; else, as at the beginning and after a pause, all of it goes in. A net
// of whole windows is given those.
size_t Classifier::new_bytes(const int8_t* window) const {
  const size_t all = window_bytes();
  if (last_.empty()) return all;
  for (size_t fresh = input_.size(); fresh < all; fresh += input_.size()) {
    if (std::memcmp(window, last_.data() + fresh, all - fresh) == 0) return fresh;
  }
  return all;
}

void Classifier::infer(const int8_t* values) {
  std::memcpy(input_.data(), values, input_.size());
  if (runner_.model().input(0).schema_type == kUint8) {
    for (uint8_t& value : input_) value ^= 0x80;  // adding 128
  }
  runner_.set_input_frame(input_.data());
  runner_.invoke();
}

void Classifier::classify(const int8_t* window, uint8_t* scores) {
  const size_t all = window_bytes();
  for (size_t at = all - new_bytes(window); at < all; at += input_.size()) infer(window + at);
  if (settings_.streaming_rows != 0) last_.assign(window, window + all);
  runner_.get_output_frame(output_.data());
  const int8_t type = runner_.model().output(0).schema_type;
  for (size_t i = 0; i < settings_.classes.size(); ++i) {
    if (type == kFloat32) {
      float value;
      std::memcpy(&value, output_.data() + i * sizeof value, sizeof value);
      scores[i] = score_from_float(value);
    } else {
      scores[i] = type == kInt8 ? score_from_int8(static_cast<int8_t>(output_[i])) : output_[i];
    }
  }
}

}  // namespace mltk
