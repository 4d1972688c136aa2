#include "constants.hpp"

#include <cstdio>
#include <string>

#include "mltk/frame.hpp"

namespace mltk {
namespace {

// A literal that only has letters, digits and octal numbers of all else: names are of others' making.
std::string literal(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ' ';
    char octal[5];
    std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += plain ? std::string(1, c) : octal;
  }
  return out + '"';
}

// Every bit of a number.
std::string exact(float value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%af", static_cast<double>(value));
  return digits;
}

void assign(std::ostream& out, const char* name, int64_t value) {
  out << "  s." << name << " = " << value << ";\n";
}

void write_settings(std::ostream& out, const PipelineSettings& s) {
  const RecogniserSettings& r = s.recogniser;
  out << "constexpr PipelineSettings model_settings() {\n  PipelineSettings s;\n";
  assign(out, "latency_ms", s.latency_ms);
  out << "  s.volume_gain = " << exact(s.volume_gain) << ";\n";
  assign(out, "gate.threshold", s.gate.threshold);
  assign(out, "gate.backoff", s.gate.backoff);
  assign(out, "recogniser.classes", r.classes);
  assign(out, "recogniser.minimum_count", r.minimum_count);
  assign(out, "recogniser.average_window_duration", r.average_window_duration);
  assign(out, "recogniser.suppression", r.suppression);
  for (int32_t i = 0; i < r.classes; ++i) {
    const std::string place = "[" + std::to_string(i) + "]";
    if (r.ignored[i]) out << "  s.recogniser.ignored" << place << " = true;\n";
    assign(out, ("recogniser.thresholds" + place).c_str(), r.thresholds[i]);
  }
  out << "  return s;\n}\n";
}

void write_number(std::ostream& out, const char* type, const char* name, uint64_t value) {
  out << "constexpr " << type << " " << name << " = " << value << "u;\n";
}

}  // namespace

void write_constants(std::ostream& out, const std::vector<uint8_t>& model, const ModelSettings& settings,
                     const ModelSizes& sizes) {
  const bool fixed = std::holds_alternative<FrontendSettings>(settings.frontend);
  const int32_t rate = std::visit([](const auto& each) { return each.sample_rate_hz; }, settings.frontend);
  out << "// Written by model_constants from a model's parameters.\n// classes: " << settings.classes.size()
      << "\n#pragma once\n\n#include \"mltk/pipeline.hpp\"\n\nnamespace mltk {\n\n"
      << "using ModelFrontEnd = " << (fixed ? "FixedFrontEnd" : "FloatFrontEnd") << ";\n"
      << "extern const ModelFrontEnd::Tables model_tables;\n\n"
      << "constexpr char kModelName[] = " << literal(settings.name) << ";\n"
      << "constexpr const char* kModelClasses[] = {";
  for (const std::string& each : settings.classes) out << "\n    " << literal(each) << ",";
  out << "\n};\n";
  write_number(out, "int32_t", "kModelSampleRateHz", static_cast<uint64_t>(rate));
  write_number(out, "int32_t", "kModelColumns", static_cast<uint64_t>(sizes.columns));
  write_number(out, "int32_t", "kModelChannels", static_cast<uint64_t>(sizes.channels));
  write_number(out, "int32_t", "kModelStreamingRows", static_cast<uint64_t>(settings.streaming_rows));
  write_number(out, "size_t", "kModelBlockBytes", sizes.block_bytes);
  write_number(out, "uint32_t", "kModelBytes", model.size());
  write_number(out, "uint32_t", "kModelCheck", crc32(model.data(), model.size()));
  out << "\n";
  write_settings(out, settings.pipeline);
  out << "\n}  // namespace mltk\n";
}

}  // namespace mltk
