// TensorFlow Lite Micro as shipped in the tflite-micro wheel, reached through dlopen. Every fact about its
// binary interface is in this file, library.cpp (names) and runner.cpp (two tensor layouts). The guards:
// names carry their parameter types, sizes are never assumed, layouts are compared with the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mltk {

// Entry points, resolved by mangled name: a changed signature is a missing symbol.
struct TflmApi {
  void (*resolver_ctor)(void* self);
  void* (*allocator_create)(uint8_t* arena, size_t size);
  size_t (*allocator_used)(const void* allocator);
  void (*interpreter_ctor)(void* self, const void* model, const void* resolver, void* allocator,
                           void* resource_variables, void* profiler);
  void (*interpreter_dtor)(void* self);
  int (*allocate_tensors)(void* self);
  int (*invoke)(void* self);
  int (*reset)(void* self);
  void* (*input)(void* self, size_t index);
  void* (*output)(void* self, size_t index);
  void* (*resource_variables_create)(void* allocator, int count);
  const void* (*arena_allocator)(const void* allocator);
  size_t (*activations_bytes)(const void* arena_allocator);
  size_t (*persistent_bytes)(const void* arena_allocator);
};

class Library {
 public:
  // Opens the wheel's shared library. Throws RunnerError that names the symbols it lacks.
  explicit Library(const std::string& path);
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const TflmApi& api() const { return api_; }
  // Namespace spelling that matched: "tflite::micro" (since Oct 2026) or "tflite".
  const std::string& abi() const { return abi_; }
  // Whether an address lies in the library's own image.
  bool owns(const void* address) const;

 private:
  TflmApi api_{};
  std::string abi_;
};

// The virtual functions in the order in which TFLM's interpreter expects them of a profiler. The spare slots
// catch the calls of an interface that grew. The MLTK_INJECT_ variants are wrong on purpose, for the tests.
class ProfilerInterface {
 public:
  virtual ~ProfilerInterface() = default;
#ifdef MLTK_INJECT_SHIFT
  virtual void injected() { ++unexpected_calls; }
#endif
#ifdef MLTK_INJECT_SWAP
  virtual void EndEvent(uint32_t handle) = 0;
  virtual uint32_t BeginEvent(const char* tag) = 0;
#else
  virtual uint32_t BeginEvent(const char* tag) = 0;
  virtual void EndEvent(uint32_t handle) = 0;
#endif
  virtual void spare0() { ++unexpected_calls; }
  virtual void spare1() { ++unexpected_calls; }
  virtual void spare2() { ++unexpected_calls; }
  virtual void spare3() { ++unexpected_calls; }

  int unexpected_calls = 0;
};

// Storage for a foreign object of unknown size: far larger than needed, with a protected page behind it, and
// filled with a pattern so that the part really used can be measured.
class OpaqueStorage {
 public:
  explicit OpaqueStorage(size_t capacity);
  ~OpaqueStorage();
  OpaqueStorage(const OpaqueStorage&) = delete;
  OpaqueStorage& operator=(const OpaqueStorage&) = delete;

  void* get() { return base_; }
  // One past the last byte that differs from the pattern.
  size_t extent() const;
  // Throws RunnerError when the object reaches past half of the storage.
  void require_room(const char* what) const;

 private:
  size_t capacity_;
  size_t mapped_;
  uint8_t* base_;
};

}  // namespace mltk
