#include "library.hpp"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <type_traits>

#include "runner_error.hpp"

namespace mltk {
namespace {

constexpr uint8_t kPattern = 0xA5;

// The library's C++ names as the Itanium ABI mangles them, one set for each known spelling.
struct Names {
  const char* abi;
  const char* resolver_ctor;              // PythonOpsResolver::PythonOpsResolver()
  const char* allocator_create;           // RecordingMicroAllocator::Create(unsigned char*, unsigned long)
  const char* allocator_used;             // MicroAllocator::used_bytes() const
  const char* interpreter_ctor;           // MicroInterpreter::MicroInterpreter(...)
  const char* interpreter_dtor;           // MicroInterpreter::~MicroInterpreter()
  const char* allocate_tensors;           // MicroInterpreter::AllocateTensors()
  const char* invoke;                     // MicroInterpreter::Invoke()
  const char* reset;                      // MicroInterpreter::Reset()
  const char* input;                      // MicroInterpreter::input(unsigned long)
  const char* output;                     // MicroInterpreter::output(unsigned long)
  const char* resource_variables_create;  // MicroResourceVariables::Create(MicroAllocator*, int)
  const char* arena_allocator;            // RecordingMicroAllocator::GetSimpleMemoryAllocator() const
  const char* activations_bytes;          // SingleArenaBufferAllocator::GetNonPersistentUsedBytes() const
  const char* persistent_bytes;           // SingleArenaBufferAllocator::GetPersistentUsedBytes() const
};

constexpr Names kSpellings[] = {
    {
        "tflite::micro",
        "_ZN6tflite17PythonOpsResolverC1Ev",
        "_ZN6tflite5micro23RecordingMicroAllocator6CreateEPhm",
        "_ZNK6tflite5micro14MicroAllocator10used_bytesEv",
        "_ZN6tflite5micro16MicroInterpreterC1EPKNS_5ModelERKNS0_15MicroOpResolverEPNS0_14MicroAllocatorE"
        "PNS0_22MicroResourceVariablesEPNS0_22MicroProfilerInterfaceE",
        "_ZN6tflite5micro16MicroInterpreterD1Ev",
        "_ZN6tflite5micro16MicroInterpreter15AllocateTensorsEv",
        "_ZN6tflite5micro16MicroInterpreter6InvokeEv",
        "_ZN6tflite5micro16MicroInterpreter5ResetEv",
        "_ZN6tflite5micro16MicroInterpreter5inputEm",
        "_ZN6tflite5micro16MicroInterpreter6outputEm",
        "_ZN6tflite5micro22MicroResourceVariables6CreateEPNS0_14MicroAllocatorEi",
        "_ZNK6tflite5micro23RecordingMicroAllocator24GetSimpleMemoryAllocatorEv",
        "_ZNK6tflite5micro26SingleArenaBufferAllocator25GetNonPersistentUsedBytesEv",
        "_ZNK6tflite5micro26SingleArenaBufferAllocator22GetPersistentUsedBytesEv",
    },
    {
        "tflite",
        "_ZN6tflite17PythonOpsResolverC1Ev",
        "_ZN6tflite23RecordingMicroAllocator6CreateEPhm",
        "_ZNK6tflite14MicroAllocator10used_bytesEv",
        "_ZN6tflite16MicroInterpreterC1EPKNS_5ModelERKNS_15MicroOpResolverEPNS_14MicroAllocatorE"
        "PNS_22MicroResourceVariablesEPNS_22MicroProfilerInterfaceE",
        "_ZN6tflite16MicroInterpreterD1Ev",
        "_ZN6tflite16MicroInterpreter15AllocateTensorsEv",
        "_ZN6tflite16MicroInterpreter6InvokeEv",
        "_ZN6tflite16MicroInterpreter5ResetEv",
        "_ZN6tflite16MicroInterpreter5inputEm",
        "_ZN6tflite16MicroInterpreter6outputEm",
        "_ZN6tflite22MicroResourceVariables6CreateEPNS_14MicroAllocatorEi",
        "_ZNK6tflite23RecordingMicroAllocator24GetSimpleMemoryAllocatorEv",
        "_ZNK6tflite26SingleArenaBufferAllocator25GetNonPersistentUsedBytesEv",
        "_ZNK6tflite26SingleArenaBufferAllocator22GetPersistentUsedBytesEv",
    },
};

// Fills `api` from one set of names and returns the names that the library does not have.
std::string bind(void* handle, const Names& names, TflmApi& api) {
  std::string missing;
  auto one = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (function == nullptr) missing += std::string(" ") + name;
  };
  one(api.resolver_ctor, names.resolver_ctor);
  one(api.allocator_create, names.allocator_create);
  one(api.allocator_used, names.allocator_used);
  one(api.interpreter_ctor, names.interpreter_ctor);
  one(api.interpreter_dtor, names.interpreter_dtor);
  one(api.allocate_tensors, names.allocate_tensors);
  one(api.invoke, names.invoke);
  one(api.reset, names.reset);
  one(api.input, names.input);
  one(api.output, names.output);
  one(api.resource_variables_create, names.resource_variables_create);
  one(api.arena_allocator, names.arena_allocator);
  one(api.activations_bytes, names.activations_bytes);
  one(api.persistent_bytes, names.persistent_bytes);
  return missing;
}

}  // namespace

// The library is never closed: its static objects outlive every Runner, and the process ends soon after.
Library::Library(const std::string& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw RunnerError(std::string("cannot load TFLM: ") + dlerror());
  std::string missing;
  for (const Names& names : kSpellings) {
    std::string lacks = bind(handle, names, api_);
    if (lacks.empty()) {
      abi_ = names.abi;
      return;
    }
    if (missing.empty()) missing = lacks;
  }
  throw RunnerError("this tflite-micro build is not one we know, it lacks:" + missing);
}

bool Library::owns(const void* address) const {
  Dl_info asked{};
  Dl_info own{};
  return dladdr(address, &asked) != 0 && dladdr(reinterpret_cast<const void*>(api_.invoke), &own) != 0 &&
         asked.dli_fbase == own.dli_fbase;
}

OpaqueStorage::OpaqueStorage(size_t capacity) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  capacity_ = (capacity + page - 1) / page * page;
  mapped_ = capacity_ + page;
  void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<uint8_t*>(memory);
  if (mprotect(base_ + capacity_, page, PROT_NONE) != 0) {
    munmap(base_, mapped_);
    throw RunnerError("cannot protect the page behind a TFLM object");
  }
  std::memset(base_, kPattern, capacity_);
}

OpaqueStorage::~OpaqueStorage() { munmap(base_, mapped_); }

size_t OpaqueStorage::extent() const {
  size_t end = capacity_;
  while (end != 0 && base_[end - 1] == kPattern) --end;
  return end;
}

void OpaqueStorage::require_room(const char* what) const {
  if (extent() > capacity_ / 2)
    throw RunnerError(std::string(what) + " of this TFLM is larger than expected");
}

}  // namespace mltk
