// Python's view of the front end. Arrays come in C order; the GIL is released while columns are computed, and
// each call works in memory of its own, so one object may be used from many threads.
#include "mltk/frontend.hpp"

#include <nanobind/ndarray.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>

#include "bindings.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

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

void require(mltk::FrontendStatus status) {
  if (status != mltk::FrontendStatus::kOk) throw std::invalid_argument(mltk::describe(status));
}

mltk::FrontendSettings settings_from(const nb::object& from) {
  mltk::FrontendSettings s;
  const auto read = [&](const char* name, auto& value) {
    value = nb::cast<std::decay_t<decltype(value)>>(from.attr(name));
  };
#define READ(name) read(#name, s.name)
  READ(sample_rate_hz);
  READ(sample_length_ms);
  READ(window_size_ms);
  READ(window_step_ms);
  READ(filterbank_n_channels);
  READ(filterbank_upper_band_limit);
  READ(filterbank_lower_band_limit);
  READ(noise_reduction_enable);
  READ(noise_reduction_smoothing_bits);
  READ(noise_reduction_even_smoothing);
  READ(noise_reduction_odd_smoothing);
  READ(noise_reduction_min_signal_remaining);
  READ(pcan_enable);
  READ(pcan_strength);
  READ(pcan_offset);
  READ(pcan_gain_bits);
  READ(log_scale_enable);
  READ(log_scale_shift);
  READ(activity_detection_enable);
  READ(activity_detection_alpha_a);
  READ(activity_detection_alpha_b);
  READ(activity_detection_arm_threshold);
  READ(activity_detection_trip_threshold);
  READ(dc_notch_filter_enable);
  READ(dc_notch_filter_coefficient);
  READ(quantize_dynamic_scale_enable);
  READ(quantize_dynamic_scale_range_db);
#undef READ
  return s;
}

class Stream {
 public:
  Stream(std::shared_ptr<const Block> tables_block, const mltk::FrontendTables* tables,
         mltk::FrontendPath path)
      : tables_block_(std::move(tables_block)), tables_(tables), block_(mltk::stream_bytes(*tables, path)) {
    require(mltk::open_stream(*tables_, path, block_.at(), block_.bytes(), &stream_));
  }

  mltk::FrontendStream& core() { return *stream_; }

  nb::ndarray<nb::numpy, uint16_t> push(In<int16_t, Row> samples) {
    const size_t channels = mltk::shape_of(*tables_).channels;
    // Two threads that push at once take turns; waiting for the lock with the GIL held could block its
    // holder.
    std::unique_lock<std::mutex> turn(mutex_, std::defer_lock);
    {
      nb::gil_scoped_release release;
      turn.lock();
    }
    auto columns = new_array<uint16_t>({mltk::columns_after(*stream_, samples.shape(0)), channels});
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
    return mltk::take_activity(*stream_);
  }

 private:
  std::shared_ptr<const Block> tables_block_;
  const mltk::FrontendTables* tables_;
  Block block_;
  mltk::FrontendStream* stream_ = nullptr;
  std::mutex mutex_;
};

class Core {
 public:
  explicit Core(const nb::object& from) {
    const mltk::FrontendSettings settings = settings_from(from);
    mltk::FrontendShape shape;
    require(mltk::check(settings, &shape));
    auto block = std::make_shared<const Block>(mltk::tables_bytes(settings));
    require(mltk::build_tables(settings, block->at(), block->bytes(), &tables_));
    block_ = std::move(block);
  }

  nb::ndarray<nb::numpy, uint16_t> columns(In<int16_t, Rows> clips, bool portable) const {
    const mltk::FrontendShape& shape = mltk::shape_of(*tables_);
    const size_t n = clips.shape(0), length = clips.shape(1), window = shape.window,
                 channels = shape.channels;
    const size_t count = length < window ? 0 : (length - window) / shape.step + 1;
    auto out = new_array<uint16_t>({n, count, channels});
    nb::gil_scoped_release release;
    Stream stream(block_, tables_, path(portable));
    for (size_t i = 0; i < n; ++i) {
      mltk::reset(stream.core());
      mltk::process(stream.core(), clips.data() + i * length, length, out.data() + i * count * channels);
    }
    return out;
  }

  nb::ndarray<nb::numpy, int8_t> quantise(In<uint16_t, Windows> columns) const {
    const size_t n = columns.shape(0), each = columns.shape(1) * columns.shape(2);
    auto out = new_array<int8_t>({n, columns.shape(1), columns.shape(2)});
    nb::gil_scoped_release release;
    for (size_t i = 0; i < n; ++i)
      mltk::quantise(*tables_, columns.data() + i * each, each, out.data() + i * each);
    return out;
  }

  nb::ndarray<nb::numpy, int8_t> windows(In<uint16_t, Rows> columns, In<int64_t, Row> starts,
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

  Stream* stream(bool portable) const { return new Stream(block_, tables_, path(portable)); }

 private:
  static mltk::FrontendPath path(bool portable) {
    return portable ? mltk::FrontendPath::kPortable : mltk::FrontendPath::kFastest;
  }

  std::shared_ptr<const Block> block_;
  const mltk::FrontendTables* tables_ = nullptr;
};

template <class T>
nb::ndarray<nb::numpy, int16_t> to_int16(In<T, Rows> clips) {
  const size_t count = clips.shape(0) * clips.shape(1);
  auto out = new_array<int16_t>({clips.shape(0), clips.shape(1)});
  const T* from = clips.data();
  int16_t* to = out.data();
  nb::gil_scoped_release release;
  for (size_t i = 0; i < count; ++i) {
    const T scaled = from[i] == from[i] ? from[i] * T{32768} : T{0};
    to[i] = static_cast<int16_t>(std::min(std::max(scaled, T{-32768}), T{32767}));
  }
  return out;
}

}  // namespace

void bind_frontend(nb::module_& module) {
  nb::class_<Stream>(module, "FrontendStreamCore")
      .def("push", &Stream::push, "samples"_a)
      .def("reset", &Stream::reset)
      .def("take_activity", &Stream::take_activity);
  nb::class_<Core>(module, "FrontendCore")
      .def(nb::init<const nb::object&>(), "settings"_a)
      .def("columns", &Core::columns, "clips"_a, "portable"_a = false)
      .def("quantise", &Core::quantise, "columns"_a)
      .def("windows", &Core::windows, "columns"_a, "starts"_a, "length"_a)
      .def("stream", &Core::stream, "portable"_a = false, nb::rv_policy::take_ownership);
  module.def("samples_to_int16", &to_int16<float>, "clips"_a);
  module.def("samples_to_int16", &to_int16<double>, "clips"_a);
}
