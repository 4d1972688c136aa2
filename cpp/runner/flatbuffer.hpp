// Bounds-checked reading of flatbuffers: positions are offsets from the first byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "runner_error.hpp"

namespace mltk {

class Flatbuffer {
 public:
  /// `data` must stay alive and unchanged.
  Flatbuffer(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  size_t root() const { return get<uint32_t>(0); }

  /// Position of a table's field, 0 when the table does not store it. Throws RunnerError, as all of these do,
  /// where something reaches beyond the end.
  size_t field(size_t table, int id) const {
    const int64_t vtable = static_cast<int64_t>(table) - get<int32_t>(table);
    if (vtable < 0) throw RunnerError("the model's file is damaged");
    const size_t slot = 4 + 2 * static_cast<size_t>(id);
    if (slot + 2 > get<uint16_t>(static_cast<size_t>(vtable))) return 0;
    const auto offset = get<uint16_t>(static_cast<size_t>(vtable) + slot);
    return offset == 0 ? 0 : table + offset;
  }

  template <class T>
  T scalar(size_t table, int id, T fallback) const {
    const size_t at = field(table, id);
    return at == 0 ? fallback : get<T>(at);
  }

  /// Position of what an offset field points to, 0 when it is absent.
  size_t reference(size_t table, int id) const {
    const size_t at = field(table, id);
    return at == 0 ? 0 : at + get<uint32_t>(at);
  }

  template <class T>
  std::vector<T> vector(size_t table, int id) const {
    const size_t at = reference(table, id);
    return at == 0 ? std::vector<T>{} : vector_at<T>(at);
  }

  std::string string(size_t table, int id) const {
    const size_t at = reference(table, id);
    return at == 0 ? std::string() : string_at(at);
  }

  std::string string_at(size_t at) const {
    const auto characters = vector_at<char>(at);
    return {characters.begin(), characters.end()};
  }

  /// Positions of the tables or texts of a vector of offsets.
  std::vector<size_t> references(size_t table, int id) const {
    const size_t first = reference(table, id) + 4;
    const auto offsets = vector<uint32_t>(table, id);
    std::vector<size_t> positions(offsets.size());
    for (size_t i = 0; i < offsets.size(); ++i) positions[i] = first + 4 * i + offsets[i];
    return positions;
  }

  template <class T>
  T get(size_t at) const {
    if (at > size_ || size_ - at < sizeof(T)) throw RunnerError("the model's file is cut off");
    T value;
    std::memcpy(&value, data_ + at, sizeof value);
    return value;
  }

 private:
  template <class T>
  std::vector<T> vector_at(size_t at) const {
    const size_t length = get<uint32_t>(at);
    const size_t first = at + 4;
    if (first > size_ || length > (size_ - first) / sizeof(T))
      throw RunnerError("the model's file is cut off");
    std::vector<T> values(length);
    if (length != 0) std::memcpy(values.data(), data_ + first, length * sizeof(T));
    return values;
  }

  const uint8_t* data_;
  size_t size_;
};

}  // namespace mltk
