#include "mltk/frontend.hpp"

#include <algorithm>

#include "bindings.hpp"
#include "front_end.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using front_end::In;
using front_end::new_array;
using front_end::Rows;

namespace {

struct FixedPoint {
  using Settings = mltk::FrontendSettings;
  using Tables = mltk::FrontendTables;
  using Shape = mltk::FrontendShape;
  using Stream = mltk::FrontendStream;
  using Value = uint16_t;
  static bool take_activity(Stream& stream) { return mltk::take_activity(stream); }
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
  front_end::bind<FixedPoint>(module, "FrontendStreamCore", "FrontendCore");
  module.def("samples_to_int16", &to_int16<float>, "clips"_a);
  module.def("samples_to_int16", &to_int16<double>, "clips"_a);
}
