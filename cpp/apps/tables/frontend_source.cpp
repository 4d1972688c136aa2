#include "source_text.hpp"
#include "tables_source.hpp"

namespace mltk {

void write_tables(std::ostream& out, const FrontendTables& t, const std::string& name) {
  const size_t half = t.half, channels = t.shape.channels;
  out << "#include \"tables.hpp\"\n\nnamespace mltk {\nnamespace {\n\n";
  array(out, "int16_t", "kWindow", t.window, t.shape.window);
  array(out, "uint16_t", "kOrder", t.order, half);
  array(out, "Twiddle", "kTwiddles", t.twiddles, half);
  array(out, "Twiddle", "kSplitTwiddles", t.split_twiddles, half / 2);
  array(out, "uint16_t", "kSegmentEnds", t.segment_ends, channels + 1);
  array(out, "int16_t", "kWeights", t.weights, half + 1);
  array(out, "int16_t", "kUnweights", t.unweights, half + 1);
  array(out, "uint32_t", "kSmoothing", t.smoothing, channels);
  const FrontendShape& s = t.shape;
  const int64_t sizes[] = {s.window, s.step, s.fft_length, s.clip, s.columns, s.channels};
  const int64_t switches[] = {t.notch,         t.activity,          t.noise_reduction, t.pcan,    t.log,
                              t.dynamic_scale, t.notch_coefficient, t.alpha_a,         t.alpha_b, t.arm,
                              t.trip,          t.activity_shift,    t.smoothing_bits};
  const int64_t gains[] = {t.gain_at_zero, t.gain_at_one, t.correction_bits, t.log_shift};
  out << "}  // namespace\n\nextern const FrontendTables " << name << ";\nconst FrontendTables " << name
      << " = {\n    {\n"
      << list(sizes, 6) << "    },\n    " << t.half << ", kWindow, kOrder, kTwiddles, kSplitTwiddles,\n    "
      << t.first_bin << ", kSegmentEnds, kWeights, kUnweights,\n"
      << list(switches, 13) << "    kSmoothing, " << t.min_signal << "u, " << t.snr_shift << ",\n    {\n"
      << list(t.gain, kPcanIntervals) << "    },\n"
      << list(gains, 4) << "    {\n"
      << list(t.log_segments, 1 << kLogSegmentBits) << "    },\n    " << t.dynamic_range
      << ",\n};\n\n}  // namespace mltk\n";
}

}  // namespace mltk
