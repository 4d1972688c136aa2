#include "source_text.hpp"
#include "tables_source.hpp"

namespace mltk {
namespace {

// Weights of all bands; bins as they are have none.
size_t weights_of(const SpectrumTables& t) {
  if (t.linear) return 0;
  const Band& last = t.bank[t.bands - 1];
  return last.weights + last.end - last.first;
}

void write_arrays(std::ostream& out, const SpectrumTables& t) {
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

}  // namespace

void write_tables(std::ostream& out, const SpectrumTables& t, const std::string& name) {
  const SpectrumShape& s = t.shape;
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

}  // namespace mltk
