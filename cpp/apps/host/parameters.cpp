#include "parameters.hpp"

#include "flatbuffer.hpp"
#include "runner_error.hpp"

namespace mltk {
namespace {

constexpr char kMetadataName[] = "SL_PARAMSv1";
constexpr uint8_t kVersion = 1;
namespace model_field {
constexpr int kBuffers = 4, kMetadata = 6;
}
namespace metadata_field {
constexpr int kName = 0, kBuffer = 1;
}
namespace entry_field {
constexpr int kKey = 0, kTag = 1, kValue = 2;
}

std::vector<uint8_t> find_block(const std::vector<uint8_t>& model) {
  const Flatbuffer file(model.data(), model.size());
  const auto buffers = file.references(file.root(), model_field::kBuffers);
  for (size_t entry : file.references(file.root(), model_field::kMetadata)) {
    if (file.string(entry, metadata_field::kName) != kMetadataName) continue;
    const auto buffer = file.scalar<uint32_t>(entry, metadata_field::kBuffer, 0);
    if (buffer >= buffers.size()) throw RunnerError("the model's file is damaged");
    return file.vector<uint8_t>(buffers[buffer], 0);
  }
  throw RunnerError("the model carries no parameters; write them with: python -m mltk_like update_params");
}

// Tags of the union, in the order of the schema.
ParameterValue value_of(const Flatbuffer& file, uint8_t tag, size_t table) {
  switch (tag) {
    case 1:
      return file.scalar<uint8_t>(table, 0, 0) != 0;
    case 2:
      return int64_t{file.scalar<int8_t>(table, 0, 0)};
    case 3:
      return int64_t{file.scalar<uint8_t>(table, 0, 0)};
    case 4:
      return int64_t{file.scalar<int16_t>(table, 0, 0)};
    case 5:
      return int64_t{file.scalar<uint16_t>(table, 0, 0)};
    case 6:
      return int64_t{file.scalar<int32_t>(table, 0, 0)};
    case 7:
      return int64_t{file.scalar<uint32_t>(table, 0, 0)};
    case 8:
      return file.scalar<int64_t>(table, 0, 0);
    case 9:
      return static_cast<int64_t>(file.scalar<uint64_t>(table, 0, 0));
    case 10:
      return double{file.scalar<float>(table, 0, 0.0f)};
    case 11:
      return file.scalar<double>(table, 0, 0.0);
    case 12:
      return file.string(table, 0);
    case 13: {
      std::vector<std::string> texts;
      for (size_t at : file.references(table, 0)) texts.push_back(file.string_at(at));
      return texts;
    }
    case 14:
      return file.vector<int32_t>(table, 0);
    case 15:
      return file.vector<float>(table, 0);
    case 16:
      return file.vector<uint8_t>(table, 0);
    default:
      throw RunnerError("the model's parameters hold a value of unknown kind " + std::to_string(tag));
  }
}

}  // namespace

Parameters read_parameters(const std::vector<uint8_t>& model) {
  const auto block = find_block(model);
  const Flatbuffer file(block.data(), block.size());
  const auto version = file.scalar<uint8_t>(file.root(), 0, 0);
  if (version != kVersion) {
    throw RunnerError("the model's parameters have format version " + std::to_string(version));
  }
  Parameters parameters;
  for (size_t entry : file.references(file.root(), 1)) {
    const size_t key = file.reference(entry, entry_field::kKey);
    const size_t value = file.reference(entry, entry_field::kValue);
    if (key == 0 || value == 0) throw RunnerError("the model's parameters are damaged");
    parameters[file.string_at(key)] =
        value_of(file, file.scalar<uint8_t>(entry, entry_field::kTag, 0), value);
  }
  return parameters;
}

}  // namespace mltk
