// Writes the float32 front end's tables for given settings as C++ source, to be compiled for a device:
//   spectrum_tables OUT.cpp NAME [setting=value ...]      settings as in SpectrumSettings
// defines `const mltk::SpectrumTables mltk::NAME`, which the linker puts into flash; see frontend_tables.cpp.
#include "spectrum_tables.hpp"

#include "table_source.hpp"

namespace mltk {

std::string text(const Rotation& r) {
  using table_source::text;
  return "{" + text(r.re) + ", " + text(r.im) + "}";
}

std::string text(const Band& b) {
  using table_source::text;
  return "{" + text(b.first) + ", " + text(b.end) + ", " + text(b.weights) + "}";
}

}  // namespace mltk

namespace {

using table_source::array;
using table_source::list;
using table_source::text;

// Weights of all bands; bins as they are have none.
size_t weights_of(const mltk::SpectrumTables& t) {
  if (t.linear) return 0;
  const mltk::Band& last = t.bank[t.bands - 1];
  return last.weights + last.end - last.first;
}

void write_arrays(std::ostream& out, const mltk::SpectrumTables& t) {
  const size_t half = t.half, features = t.shape.features;
  array(out, "float", "kWindow", t.window, t.shape.frame);
  array(out, "uint16_t", "kOrder", t.order, half);
  array(out, "Rotation", "kRotations", t.rotations, half);
  array(out, "Rotation", "kSeparations", t.separations, half / 2 + 1);
  array(out, "Band", "kBank", t.bank, t.linear ? 1 : t.bands);
  array(out, "float", "kWeights", t.weights, weights_of(t));
  array(out, "float", "kCosines", t.cosines, static_cast<size_t>(t.coefficients) * t.bands);
  array(out, "float", "kMeans", t.means, t.mean_step != 0 ? features : 1);
  array(out, "float", "kInverseStds", t.inverse_stds, t.std_step != 0 ? features : 1);
}

void write(std::ostream& out, const mltk::SpectrumTables& t, const std::string& name) {
  const mltk::SpectrumShape& s = t.shape;
  const int32_t sizes[] = {s.frame, s.hop,     s.window,   s.step,    s.fft_length,
                           s.clip,  s.columns, s.channels, s.features};
  const bool switches[] = {t.remove_mean, t.magnitude, t.linear, t.slide};
  out << "#include \"spectrum_tables.hpp\"\n\nnamespace mltk {\nnamespace {\n\n";
  write_arrays(out, t);
  out << "}  // namespace\n\nextern const SpectrumTables " << name << ";\nconst SpectrumTables " << name
      << " = {\n    {\n"
      << list(sizes, 9) << "    },\n    " << t.half << ", kWindow, kOrder, kRotations, kSeparations, "
      << t.bands << ", kBank, kWeights, kCosines,\n    " << text(t.pre_emphasis) << ",\n"
      << list(switches, 4) << "    static_cast<SpectrumLog>(" << static_cast<int>(t.log) << "), "
      << text(t.log_floor) << ", " << text(t.log_gain) << ", " << t.coefficients << ", " << t.cascade << ", "
      << t.mean_step << ", " << t.std_step << ", kMeans, kInverseStds,\n    " << text(t.scale_minimum) << ", "
      << text(t.scale_factor) << ",\n};\n\n}  // namespace mltk\n";
}

}  // namespace

int main(int count, char** arguments) {
  return table_source::run<mltk::SpectrumSettings, mltk::SpectrumTables>(count, arguments, "spectrum_tables",
                                                                         write);
}
