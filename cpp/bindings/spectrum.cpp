#include "mltk/spectrum.hpp"

#include <stdexcept>
#include <string>

#include "bindings.hpp"
#include "front_end.hpp"

namespace nb = nanobind;

namespace {

// A choice is the place of its name among the names of the C++ enumeration.
template <class Choice>
void choose(const nb::object& from, const char* field, std::initializer_list<const char*> names,
            Choice& choice) {
  const std::string given = nb::cast<nb::str>(from.attr(field)).c_str();
  uint8_t place = 0;
  for (const char* name : names) {
    if (given == name) {
      choice = static_cast<Choice>(place);
      return;
    }
    ++place;
  }
  throw std::invalid_argument(std::string(field) + " has no choice " + given);
}

struct Float32 {
  using Settings = mltk::SpectrumSettings;
  using Tables = mltk::SpectrumTables;
  using Shape = mltk::SpectrumShape;
  using Stream = mltk::SpectrumStream;
  using Value = float;
  static bool take_activity(Stream&) { return false; }  // it has no detector
  static Settings settings_from(const nb::object& from) {
    Settings s;
    const auto read = [&](const char* name, auto& value) {
      value = nb::cast<std::decay_t<decltype(value)>>(from.attr(name));
    };
    choose(from, "sample_scale", {"unit", "int16"}, s.sample_scale);
    choose(from, "window_function", {"hann", "hamming"}, s.window_function);
    choose(from, "filterbank_scale", {"slaney", "htk", "linear"}, s.filterbank_scale);
    choose(from, "log", {"none", "ln", "log1p", "db"}, s.log);
#define READ(name) read(#name, s.name)
    READ(sample_rate_hz);
    READ(sample_length_ms);
    READ(window_size_ms);
    READ(window_step_ms);
    READ(remove_mean);
    READ(window_periodic);
    READ(power);
    READ(filterbank_normalize);
    READ(filterbank_n_channels);
    READ(filterbank_lower_band_limit);
    READ(filterbank_upper_band_limit);
    READ(log_floor);
    READ(mfcc_count);
    READ(mfcc_first);
    READ(cascade);
    READ(cascade_slide);
    READ(mean);
    READ(std);
    READ(scale_minimum);
    READ(scale_maximum);
#undef READ
    return s;
  }
};

}  // namespace

void bind_spectrum(nb::module_& module) {
  front_end::bind<Float32>(module, "SpectrumStreamCore", "SpectrumCore");
}
