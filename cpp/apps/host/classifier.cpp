#include "classifier.hpp"

#include <new>
#include <optional>

namespace mltk {
namespace {

constexpr size_t kRoomyArena = size_t{64} * 1024 * 1024;  // pages that are not touched cost nothing
constexpr PipelineMemory kMemory = {FrontendPath::kFastest, 32};

// A type of the schema (TensorType) as the pipeline knows it; nothing for those that no net here may have.
std::optional<NetValue> value_of(int8_t schema_type) {
  switch (schema_type) {
    case 0:
      return NetValue::kFloat32;
    case 3:
      return NetValue::kUint8;
    case 9:
      return NetValue::kInt8;
    default:
      return std::nullopt;
  }
}

}  // namespace

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

void Classifier::check_model() {
  const GraphView& graph = runner_.model().main_graph();
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1) {
    throw RunnerError("the model has " + std::to_string(graph.inputs.size()) + " inputs and " +
                      std::to_string(graph.outputs.size()) + " outputs; one of each is needed");
  }
  const TensorView& input = runner_.model().input(0);
  const TensorView& output = runner_.model().output(0);
  const PipelineShape& shape = pipeline_->shape();
  const int32_t rows = settings_.streaming_rows == 0 ? shape.columns : settings_.streaming_rows;
  const auto input_type = value_of(input.schema_type), output_type = value_of(output.schema_type);
  if (!input_type || *input_type == NetValue::kFloat32) {
    throw RunnerError("the model's input is not int8; quantise the model");
  }
  if (rows < 0 || shape.columns % rows != 0 ||
      input_.size() != static_cast<size_t>(rows) * static_cast<size_t>(shape.channels)) {
    throw RunnerError("the model's input is not " + std::to_string(rows) + " columns of " +
                      std::to_string(shape.channels) + " values, as its front end gives");
  }
  const size_t value_bytes = output_type == NetValue::kFloat32 ? sizeof(float) : 1;
  if (!output_type || output_.size() != settings_.classes.size() * value_bytes) {
    throw RunnerError("the model's output is not one int8, uint8 or float for each of its " +
                      std::to_string(settings_.classes.size()) + " classes");
  }
  input_type_ = *input_type;
  output_type_ = *output_type;
}

size_t Classifier::window_bytes() const {
  const PipelineShape& shape = pipeline_->shape();
  return static_cast<size_t>(shape.columns) * static_cast<size_t>(shape.channels);
}

void Classifier::infer(const int8_t* values) {
  fill_input(values, input_.size(), input_type_, input_.data());
  runner_.set_input_frame(input_.data());
  runner_.invoke();
}

void Classifier::classify(const int8_t* window, uint8_t* scores) {
  const size_t all = window_bytes();
  const int8_t* last = last_.empty() ? nullptr : last_.data();
  for (size_t at = all - new_bytes(window, last, all, input_.size()); at < all; at += input_.size()) {
    infer(window + at);
  }
  if (settings_.streaming_rows != 0) last_.assign(window, window + all);
  runner_.get_output_frame(output_.data());
  scores_of(output_.data(), output_type_, settings_.classes.size(), scores);
}

}  // namespace mltk
