#include "runner.hpp"

#include <chrono>
#include <cstring>
#include <map>

namespace mltk {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kResolverRoom = 256 * 1024;    // measured: 13,620 bytes
constexpr size_t kInterpreterRoom = 64 * 1024;  // measured: 240 bytes
constexpr size_t kTensorRoom = 64;              // bytes of a TfLiteTensor that are looked at
constexpr int32_t kVarHandle = 142;             // BuiltinOperator_VAR_HANDLE

// Where a TfLiteTensor keeps what is read here.
struct TensorLayout {
  size_t data;
  size_t dims;
  size_t bytes;
  size_t type;
};

#ifdef MLTK_INJECT_LAYOUT
constexpr TensorLayout kLayouts[] = {{0, 8, 24, 16}};
#else
// As built with and without TF_LITE_STATIC_MEMORY.
constexpr TensorLayout kLayouts[] = {{24, 32, 40, 48}, {8, 16, 40, 0}};
#endif

template <class T>
T read_at(const void* object, size_t offset) {
  T value;
  std::memcpy(&value, static_cast<const uint8_t*>(object) + offset, sizeof value);
  return value;
}

bool inside(const void* start, size_t size, const uint8_t* base, size_t room) {
  const auto at = reinterpret_cast<uintptr_t>(start);
  const auto first = reinterpret_cast<uintptr_t>(base);
  return size <= room && at >= first && at - first <= room - size;
}

size_t total_bytes(const ModelView& model, const std::vector<int32_t>& indices) {
  size_t total = 0;
  for (int32_t i : indices) total += model.main_graph().tensors[static_cast<size_t>(i)].bytes();
  return total;
}

}  // namespace

class Runner::Recorder final : public ProfilerInterface {
 public:
  using Clock = std::chrono::steady_clock;
  struct Event {
    const char* tag;
    Clock::time_point begin;
    Clock::time_point end;
    bool open;
  };

  explicit Recorder(size_t expected_events) { events.reserve(4 * expected_events + 64); }

  uint32_t BeginEvent(const char* tag) override {
    events.push_back({tag, {}, {}, true});
    events.back().begin = Clock::now();
    return static_cast<uint32_t>(events.size() - 1);
  }

  void EndEvent(uint32_t handle) override {
    const auto now = Clock::now();
    if (handle >= events.size() || !events[handle].open) {
      ++unexpected_calls;
      return;
    }
    events[handle].end = now;
    events[handle].open = false;
  }

  std::vector<Event> events;
};

void Runner::FreeAligned::operator()(uint8_t* memory) const {
  ::operator delete[](memory, std::align_val_t{kAlignment});
}

Runner::AlignedBytes Runner::aligned_bytes(size_t size) {
  return AlignedBytes(static_cast<uint8_t*>(::operator new[](size, std::align_val_t{kAlignment})));
}

Runner::Runner(const Library& library, const std::vector<uint8_t>& model, size_t arena_bytes, bool profile)
    : library_(library),
      model_bytes_(model.size()),
      arena_bytes_(arena_bytes),
      model_(aligned_bytes(model.size())),
      arena_(aligned_bytes(arena_bytes)),
      resolver_(kResolverRoom),
      interpreter_(kInterpreterRoom) {
  if (!model.empty()) std::memcpy(model_.get(), model.data(), model.size());
  view_ = std::make_unique<ModelView>(model_.get(), model_bytes_);
  if (profile) recorder_ = std::make_unique<Recorder>(view_->main_graph().ops.size());
  build_interpreter();
  try {
    interpreter_.require_room("the interpreter object");
    if (library_.api().allocate_tensors(interpreter_.get()) != 0) {
      throw RunnerError("TFLM could not allocate the tensors: an unsupported operator, or an arena of " +
                        std::to_string(arena_bytes_) + " bytes is too small");
    }
    for (size_t i = 0; i < view_->main_graph().inputs.size(); ++i) {
      inputs_.push_back(tensor_data(library_.api().input(interpreter_.get(), i), view_->input(i),
                                    "input " + std::to_string(i)));
    }
    for (size_t i = 0; i < view_->main_graph().outputs.size(); ++i) {
      outputs_.push_back(tensor_data(library_.api().output(interpreter_.get(), i), view_->output(i),
                                     "output " + std::to_string(i)));
    }
    check_arena();
  } catch (...) {
    library_.api().interpreter_dtor(interpreter_.get());
    throw;
  }
}

Runner::~Runner() { library_.api().interpreter_dtor(interpreter_.get()); }

void Runner::build_interpreter() {
  const TflmApi& tflm = library_.api();
  tflm.resolver_ctor(resolver_.get());
  resolver_.require_room("the operator resolver");
  allocator_ = tflm.allocator_create(arena_.get(), arena_bytes_);
  if (allocator_ == nullptr) throw RunnerError("arena too small");
  if (!in_arena(allocator_, sizeof(void*))) throw RunnerError("the loaded TFLM's allocator lies elsewhere");
  const auto variables = static_cast<int>(view_->count_ops(kVarHandle));
  void* resource_variables = variables == 0 ? nullptr : tflm.resource_variables_create(allocator_, variables);
  tflm.interpreter_ctor(interpreter_.get(), view_->root_table(), resolver_.get(), allocator_,
                        resource_variables, static_cast<ProfilerInterface*>(recorder_.get()));
}

void Runner::check_arena() const {
  const size_t used = arena_used_bytes();
  if (used == 0 || used > arena_bytes_ || activations_bytes() + persistent_bytes() != used) {
    throw RunnerError("the loaded TFLM's arena accounting differs");
  }
}

bool Runner::in_arena(const void* start, size_t size) const {
  return inside(start, size, arena_.get(), arena_bytes_);
}

bool Runner::in_model(const void* start, size_t size) const {
  return inside(start, size, model_.get(), model_bytes_);
}

// The data pointer is used only when all else that the tensor says agrees with the model.
uint8_t* Runner::tensor_data(const void* tensor, const TensorView& expected, const std::string& name) const {
  const size_t rank = expected.shape.size();
  const size_t dims_bytes = sizeof(int32_t) * (rank + 1);  // TfLiteIntArray: size, then the values
  if (in_arena(tensor, kTensorRoom)) {
    for (const TensorLayout& layout : kLayouts) {
      auto* data = read_at<uint8_t*>(tensor, layout.data);
      const auto* dims = read_at<const uint8_t*>(tensor, layout.dims);
      if (read_at<int32_t>(tensor, layout.type) != expected.runtime_type()) continue;
      if (read_at<size_t>(tensor, layout.bytes) != expected.bytes()) continue;
      if (!in_arena(data, expected.bytes())) continue;
      if (!in_model(dims, dims_bytes) && !in_arena(dims, dims_bytes)) continue;
      if (read_at<int32_t>(dims, 0) != static_cast<int32_t>(rank)) continue;
      if (rank != 0 &&
          std::memcmp(dims + sizeof(int32_t), expected.shape.data(), sizeof(int32_t) * rank) != 0)
        continue;
      return data;
    }
  }
  throw RunnerError(name + " of the loaded TFLM does not match the model");
}

size_t Runner::input_frame_bytes() const { return total_bytes(*view_, view_->main_graph().inputs); }

size_t Runner::output_frame_bytes() const { return total_bytes(*view_, view_->main_graph().outputs); }

void Runner::set_input_frame(const uint8_t* frame) {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const size_t size = view_->input(i).bytes();
    std::memcpy(inputs_[i], frame, size);
    frame += size;
  }
}

void Runner::get_output_frame(uint8_t* frame) const {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const size_t size = view_->output(i).bytes();
    std::memcpy(frame, outputs_[i], size);
    frame += size;
  }
}

void Runner::invoke() {
  if (recorder_) recorder_->events.clear();
  if (library_.api().invoke(interpreter_.get()) != 0) throw RunnerError("TFLM failed to run the model");
  if (recorder_ && !profile_checked_) {
    check_profile();
    profile_checked_ = true;
  }
}

void Runner::reset() {
  if (library_.api().reset(interpreter_.get()) != 0) throw RunnerError("TFLM failed to reset the model");
}

// The first profile of a run must be one that the model explains, before any tag is read as a string.
void Runner::check_profile() const {
  auto fail = [](const std::string& why) {
    throw RunnerError("the loaded TFLM's profiler interface differs: " + why);
  };
  const auto& events = recorder_->events;
  const auto& ops = view_->main_graph().ops;
  const bool one_graph = view_->graphs().size() == 1;
  if (recorder_->unexpected_calls != 0) fail("unexpected call");
  if (one_graph ? events.size() != ops.size() : events.size() < ops.size()) {
    fail(std::to_string(events.size()) + " events for " + std::to_string(ops.size()) + " operators");
  }
  for (const auto& event : events) {
    if (event.open) fail("an event without an end");
    if (!library_.owns(event.tag) && !in_model(event.tag, 1))
      fail("a name outside the library and the model");
  }
  if (!one_graph) return;
  std::map<int32_t, std::string> names;
  for (size_t i = 0; i < events.size(); ++i) {
    if (!ops[i].custom.empty()) continue;
    const std::string tag = tag_text(events[i].tag);
    if (names.emplace(ops[i].builtin, tag).first->second != tag) fail("events in another order");
  }
}

// Names of custom operators lie in the model, which need not end them.
std::string Runner::tag_text(const char* tag) const {
  if (!in_model(tag, 1)) return tag;
  const auto* end = reinterpret_cast<const char*>(model_.get()) + model_bytes_;
  return {tag, strnlen(tag, static_cast<size_t>(end - tag))};
}

std::vector<OpTime> Runner::profile() const {
  std::vector<OpTime> times;
  if (!recorder_) return times;
  for (const auto& event : recorder_->events) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(event.end - event.begin).count();
    times.push_back({tag_text(event.tag), static_cast<uint64_t>(ns)});
  }
  return times;
}

size_t Runner::arena_used_bytes() const { return library_.api().allocator_used(allocator_); }

size_t Runner::activations_bytes() const {
  return library_.api().activations_bytes(library_.api().arena_allocator(allocator_));
}

size_t Runner::persistent_bytes() const {
  return library_.api().persistent_bytes(library_.api().arena_allocator(allocator_));
}

}  // namespace mltk
