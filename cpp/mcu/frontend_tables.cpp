// Writes the front end's tables for given settings as C++ source, to be compiled for a device:
//   frontend_tables OUT.cpp NAME [setting=value ...]      settings as in FrontendSettings
// defines `const mltk::FrontendTables mltk::NAME`, which the linker puts into flash: no code runs for it and
// no RAM is taken. The device declares it and opens streams on it:
//   namespace mltk { extern const FrontendTables NAME; }
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "mltk/setting_fields.hpp"
#include "tables.hpp"

namespace {

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(2);
}

template <class T>
void parse(const std::string& name, const std::string& text, T& out) {
  std::istringstream stream(text);
  if (!(stream >> std::boolalpha >> out) || stream.peek() != std::istringstream::traits_type::eof()) {
    fail(name + " cannot be '" + text + "'");
  }
}

void set(mltk::FrontendSettings& settings, const std::string& name, const std::string& text) {
  bool found = false;
  mltk::for_each_setting(settings, [&](const char* each, auto& value) {
    if (name != each) return;
    parse(name, text, value);
    found = true;
  });
  if (!found) fail("there is no setting '" + name + "'");
}

bool is_name(const std::string& name) {
  const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", digits = "0123456789";
  return !name.empty() && letters.find(name[0]) != std::string::npos &&
         name.find_first_not_of(letters + digits) == std::string::npos;
}

std::string text(int64_t value) { return std::to_string(value); }

std::string text(const mltk::Twiddle& t) {
  return "{" + text(t.re) + ", " + text(t.minus_im) + ", " + text(t.im) + ", " + text(t.re_again) + "}";
}

std::string text(const mltk::GainSegment& g) {
  return "{" + text(g.level) + ", " + text(g.slope) + ", " + text(g.curve) + "}";
}

// "a, b, c" in lines.
template <class T>
std::string list(const T* values, size_t count) {
  std::string out, line = "   ";
  for (size_t i = 0; i < count; ++i) {
    const std::string next = " " + text(values[i]) + ",";
    if (line.size() + next.size() > 110) {
      out += line + "\n";
      line = "   ";
    }
    line += next;
  }
  return out + line + "\n";
}

template <class T>
void array(std::ostream& out, const char* type, const char* name, const T* values, size_t count) {
  out << "alignas(4) constexpr " << type << " " << name << "[" << count << "] = {\n"
      << list(values, count) << "};\n\n";
}

void write(std::ostream& out, const mltk::FrontendTables& t, const std::string& name) {
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
  const mltk::FrontendShape& s = t.shape;
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
      << list(t.gain, mltk::kPcanIntervals) << "    },\n"
      << list(gains, 4) << "    {\n"
      << list(t.log_segments, 1 << mltk::kLogSegmentBits) << "    },\n    " << t.dynamic_range
      << ",\n};\n\n}  // namespace mltk\n";
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3 || !is_name(arguments[2])) fail("usage: frontend_tables OUT.cpp NAME [setting=value ...]");
  mltk::FrontendSettings settings;
  std::string comment = "// Written by frontend_tables for:";
  for (int i = 3; i < count; ++i) {
    const char* equals = std::strchr(arguments[i], '=');
    if (equals == nullptr) fail(std::string("not setting=value: ") + arguments[i]);
    set(settings, {arguments[i], static_cast<size_t>(equals - arguments[i])}, equals + 1);
    comment += std::string("\n//   ") + arguments[i];
  }
  const size_t bytes = mltk::tables_bytes(settings);
  const std::unique_ptr<void, decltype(&std::free)> block(
      std::aligned_alloc(mltk::kFrontendAlignment,
                         bytes + mltk::kFrontendAlignment - bytes % mltk::kFrontendAlignment),
      std::free);
  const mltk::FrontendTables* tables;
  const mltk::FrontendStatus status = mltk::build_tables(settings, block.get(), bytes, &tables);
  if (status != mltk::FrontendStatus::kOk) fail(mltk::describe(status));
  std::ofstream out(arguments[1], std::ios::binary);
  out << comment << "\n";
  write(out, *tables, arguments[2]);
  out.close();
  if (!out) fail(std::string("cannot write ") + arguments[1]);
  return 0;
}
