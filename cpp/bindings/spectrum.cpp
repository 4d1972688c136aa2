#include "mltk/spectrum.hpp"

#include "bindings.hpp"
#include "front_end.hpp"

namespace nb = nanobind;

namespace {

struct Float32 {
  using Settings = mltk::SpectrumSettings;
  using Tables = mltk::SpectrumTables;
  using Shape = mltk::SpectrumShape;
  using Stream = mltk::SpectrumStream;
  using Value = float;
  static bool take_activity(Stream&) { return false; }  // it has no detector
};

}  // namespace

void bind_spectrum(nb::module_& module) {
  front_end::bind<Float32>(module, "SpectrumStreamCore", "SpectrumCore");
}
