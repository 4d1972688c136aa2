// Python's view of a front end, for either kind. Arrays come in C order; the GIL is released while columns
// are computed, and each call works in memory of its own, so one object may be used from many threads.
//
// A Kind has the types Settings, Tables, Shape, Stream and Value (of a column) of its front end, and
// `take_activity(stream)`.
#pragma once

#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "mltk/setting_fields.hpp"

namespace nb = nanobind;

namespace front_end {

template <class T, class Shape>
using In = nb::ndarray<const T, Shape, nb::c_contig, nb::device::cpu>;
using Row = nb::shape<-1>;
using Rows = nb::shape<-1, -1>;
using Windows = nb::shape<-1, -1, -1>;

class Block {
 public:
  explicit Block(size_t bytes) : bytes_(bytes), at_(::operator new(bytes, alignment())) {}
  ~Block() { ::operator delete(at_, alignment()); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  void* at() const { return at_; }
  size_t bytes() const { return bytes_; }

 private:
  static std::align_val_t alignment() { return std::align_val_t{mltk::kFrontendAlignment}; }
  size_t bytes_;
  void* at_;
};

template <class T>
nb::ndarray<nb::numpy, T> new_array(std::initializer_list<size_t> shape) {
  size_t count = 1;
  for (size_t extent : shape) count *= extent;
  T* data = new T[std::max<size_t>(count, 1)];
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return nb::ndarray<nb::numpy, T>(data, shape.size(), shape.begin(), owner);
}

template <class Status>
void require(Status status) {
  if (status != Status::kOk) throw std::invalid_argument(mltk::describe(status));
}

/// Numbers that settings point to.
using Numbers = std::deque<std::vector<float>>;

/// The settings that a Python object has as attributes of the same names; lists are kept in `numbers`.
template <class Settings>
Settings settings_from(const nb::object& from, Numbers& numbers) {
  Settings settings;
  mltk::for_each_setting(settings, [&](const char* name, auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_enum_v<Value>) {
      const std::string given = nb::cast<nb::str>(from.attr(name)).c_str();
      if (!mltk::choose(given, value)) {
        throw std::invalid_argument(std::string(name) + " has no choice " + given);
      }
    } else if constexpr (std::is_same_v<Value, mltk::FeatureValues>) {
      const auto& kept = numbers.emplace_back(nb::cast<std::vector<float>>(from.attr(name)));
      value = {kept.data(), static_cast<int32_t>(kept.size())};
    } else {
      value = nb::cast<Value>(from.attr(name));
    }
  });
  return settings;
}

/// A stream of columns; see process() of the front end.
template <class Kind>
class StreamOf {
 public:
  StreamOf(std::shared_ptr<const Block> tables_block, const typename Kind::Tables* tables,
           mltk::FrontendPath path)
      : tables_block_(std::move(tables_block)), tables_(tables), block_(mltk::stream_bytes(*tables, path)) {
    require(mltk::open_stream(*tables_, path, block_.at(), block_.bytes(), &stream_));
  }

  typename Kind::Stream& core() { return *stream_; }

  nb::ndarray<nb::numpy, typename Kind::Value> push(In<int16_t, Row> samples) {
    const size_t channels = mltk::shape_of(*tables_).channels;
    // Two threads that push at once take turns; waiting for the lock with the GIL held could block its
    // holder.
    std::unique_lock<std::mutex> turn(mutex_, std::defer_lock);
    {
      nb::gil_scoped_release release;
      turn.lock();
    }
    auto columns =
        new_array<typename Kind::Value>({mltk::columns_after(*stream_, samples.shape(0)), channels});
    {
      nb::gil_scoped_release release;
      mltk::process(*stream_, samples.data(), samples.shape(0), columns.data());
    }
    return columns;
  }

  void reset() {
    nb::gil_scoped_release release;
    const std::lock_guard<std::mutex> turn(mutex_);
    mltk::reset(*stream_);
  }

  bool take_activity() {
    nb::gil_scoped_release release;
    const std::lock_guard<std::mutex> turn(mutex_);
    return Kind::take_activity(*stream_);
  }

 private:
  std::shared_ptr<const Block> tables_block_;
  const typename Kind::Tables* tables_;
  Block block_;
  typename Kind::Stream* stream_ = nullptr;
  std::mutex mutex_;
};

/// Whole clips, and what is made of their columns.
template <class Kind>
class CoreOf {
 public:
  explicit CoreOf(const nb::object& from) {
    Numbers numbers;  // until the tables are built
    const auto settings = settings_from<typename Kind::Settings>(from, numbers);
    typename Kind::Shape shape;
    require(mltk::check(settings, &shape));
    auto block = std::make_shared<const Block>(mltk::tables_bytes(settings));
    require(mltk::build_tables(settings, block->at(), block->bytes(), &tables_));
    block_ = std::move(block);
  }

  nb::ndarray<nb::numpy, typename Kind::Value> columns(In<int16_t, Rows> clips, bool portable) const {
    const typename Kind::Shape& shape = mltk::shape_of(*tables_);
    const size_t n = clips.shape(0), length = clips.shape(1), window = shape.window,
                 channels = shape.channels;
    const size_t count = length < window ? 0 : (length - window) / shape.step + 1;
    auto out = new_array<typename Kind::Value>({n, count, channels});
    nb::gil_scoped_release release;
    StreamOf<Kind> stream(block_, tables_, path(portable));
    for (size_t i = 0; i < n; ++i) {
      mltk::reset(stream.core());
      mltk::process(stream.core(), clips.data() + i * length, length, out.data() + i * count * channels);
    }
    return out;
  }

  nb::ndarray<nb::numpy, int8_t> quantise(In<typename Kind::Value, Windows> columns) const {
    const size_t n = columns.shape(0), each = columns.shape(1) * columns.shape(2);
    auto out = new_array<int8_t>({n, columns.shape(1), columns.shape(2)});
    nb::gil_scoped_release release;
    for (size_t i = 0; i < n; ++i)
      mltk::quantise(*tables_, columns.data() + i * each, each, out.data() + i * each);
    return out;
  }

  nb::ndarray<nb::numpy, int8_t> windows(In<typename Kind::Value, Rows> columns, In<int64_t, Row> starts,
                                         size_t length) const {
    const size_t n = starts.shape(0), total = columns.shape(0), channels = columns.shape(1);
    for (size_t i = 0; i < n; ++i) {
      if (length > total || starts.data()[i] < 0 || static_cast<size_t>(starts.data()[i]) > total - length) {
        throw nb::index_error("a window reaches beyond the columns given");
      }
    }
    auto out = new_array<int8_t>({n, length, channels});
    nb::gil_scoped_release release;
    for (size_t i = 0; i < n; ++i) {
      mltk::quantise(*tables_, columns.data() + starts.data()[i] * channels, length * channels,
                     out.data() + i * length * channels);
    }
    return out;
  }

  StreamOf<Kind>* stream(bool portable) const { return new StreamOf<Kind>(block_, tables_, path(portable)); }

 private:
  static mltk::FrontendPath path(bool portable) {
    return portable ? mltk::FrontendPath::kPortable : mltk::FrontendPath::kFastest;
  }

  std::shared_ptr<const Block> block_;
  const typename Kind::Tables* tables_ = nullptr;
};

template <class Kind>
void bind(nb::module_& module, const char* stream_name, const char* core_name) {
  using namespace nb::literals;
  using Stream = StreamOf<Kind>;
  using Core = CoreOf<Kind>;
  nb::class_<Stream>(module, stream_name)
      .def("push", &Stream::push, "samples"_a)
      .def("reset", &Stream::reset)
      .def("take_activity", &Stream::take_activity);
  nb::class_<Core>(module, core_name)
      .def(nb::init<const nb::object&>(), "settings"_a)
      .def("columns", &Core::columns, "clips"_a, "portable"_a = false)
      .def("quantise", &Core::quantise, "columns"_a)
      .def("windows", &Core::windows, "columns"_a, "starts"_a, "length"_a)
      .def("stream", &Core::stream, "portable"_a = false, nb::rv_policy::take_ownership);
}

}  // namespace front_end
