// tflm_runner: runs a .tflite file with the TFLM of the tflite-micro wheel.
//
//   tflm_runner --lib SO --model FILE [--arena BYTES] [--input FILE] [--output FILE]
//               [--reset-every K] [--repeat N] [--profile]
//   tflm_runner --lib SO --model FILE [--arena BYTES] --stream
//
// The input file holds any number of frames, a frame being the bytes of all inputs; without one, a single
// frame of zeros is run. The frames are run in order, N times; the outputs are those of the first pass. State
// is kept from frame to frame unless --reset-every says otherwise, and is cleared before each further pass.
// One JSON object goes to stdout. Errors go to stderr, with exit code 2.
//
// With --stream, one line of JSON tells the size of the frames; then each frame that comes on stdin is
// answered by the bytes of all outputs on stdout, until stdin ends.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "library.hpp"
#include "runner.hpp"
#include "runner_error.hpp"

namespace {

using mltk::RunnerError;

constexpr size_t kRoomyArena = size_t{64} * 1024 * 1024;  // pages that are not touched cost nothing
constexpr size_t kMaxArena = size_t{4} * 1024 * 1024 * 1024;
constexpr size_t kMaxRepeat = 1000000;

struct Options {
  std::string library;
  std::string model;
  std::string input;
  std::string output;
  size_t arena_bytes = kRoomyArena;
  size_t reset_every = 0;  // 0: never
  size_t repeat = 1;
  bool profile = false;
  bool stream = false;
};

struct Timing {
  uint64_t min_ns = std::numeric_limits<uint64_t>::max();
  uint64_t total_ns = 0;
  uint64_t count = 0;
  std::vector<mltk::OpTime> layers;  // minimum of each operator

  void add(uint64_t ns, const std::vector<mltk::OpTime>& profile) {
    min_ns = std::min(min_ns, ns);
    total_ns += ns;
    ++count;
    // The first inference of a streaming model also runs its initialisation; the later, shorter list is kept.
    if (layers.empty() || profile.size() < layers.size()) layers = profile;
    if (profile.size() != layers.size()) return;
    for (size_t i = 0; i < layers.size(); ++i) layers[i].ns = std::min(layers[i].ns, profile[i].ns);
  }
};

size_t to_size(const std::string& option, const std::string& text, size_t min, size_t max) {
  size_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < min || value > max) {
    throw RunnerError(option + " must be a whole number from " + std::to_string(min) + " to " +
                      std::to_string(max) + ", not '" + text + "'");
  }
  return value;
}

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--profile") {
      options.profile = true;
      continue;
    }
    if (name == "--stream") {
      options.stream = true;
      continue;
    }
    if (i + 1 == arguments.size()) throw RunnerError("unknown option, or one without a value: " + name);
    const std::string& value = arguments[++i];
    if (name == "--lib") {
      options.library = value;
    } else if (name == "--model") {
      options.model = value;
    } else if (name == "--input") {
      options.input = value;
    } else if (name == "--output") {
      options.output = value;
    } else if (name == "--arena") {
      options.arena_bytes = to_size(name, value, 1, kMaxArena);
    } else if (name == "--reset-every") {
      options.reset_every = to_size(name, value, 0, std::numeric_limits<size_t>::max());
    } else if (name == "--repeat") {
      options.repeat = to_size(name, value, 1, kMaxRepeat);
    } else {
      throw RunnerError("unknown option " + name);
    }
  }
  if (options.library.empty() || options.model.empty()) throw RunnerError("--lib and --model are needed");
  return options;
}

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw RunnerError("cannot read " + path);
  return bytes;
}

void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw RunnerError("cannot write " + path);
}

std::vector<uint8_t> read_frames(const Options& options, size_t frame_bytes) {
  if (options.input.empty()) return std::vector<uint8_t>(frame_bytes);
  auto bytes = read_file(options.input);
  if (bytes.empty() || bytes.size() % frame_bytes != 0) {
    throw RunnerError("the input holds " + std::to_string(bytes.size()) +
                      " bytes, which is not a positive multiple of the " + std::to_string(frame_bytes) +
                      " bytes of a frame");
  }
  return bytes;
}

// Runs all frames once and returns their outputs.
std::vector<uint8_t> run_pass(mltk::Runner& runner, const std::vector<uint8_t>& frames, size_t reset_every,
                              Timing& timing) {
  const size_t in_bytes = runner.input_frame_bytes();
  const size_t out_bytes = runner.output_frame_bytes();
  const size_t count = frames.size() / in_bytes;
  std::vector<uint8_t> outputs(count * out_bytes);
  for (size_t k = 0; k < count; ++k) {
    if (reset_every != 0 && k != 0 && k % reset_every == 0) runner.reset();
    runner.set_input_frame(frames.data() + k * in_bytes);
    const auto begin = std::chrono::steady_clock::now();
    runner.invoke();
    const auto end = std::chrono::steady_clock::now();
    runner.get_output_frame(outputs.data() + k * out_bytes);
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
    timing.add(static_cast<uint64_t>(ns), runner.profile());
  }
  return outputs;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    // Names are ASCII; anything else could not be trusted to be UTF-8.
    out += c >= 0x20 && c < 0x7f ? c : '?';
  }
  return out + '"';
}

std::string report(const mltk::Library& library, const mltk::Runner& runner, size_t frames,
                   const Timing& timing) {
  std::ostringstream json;
  json << "{\"abi\": " << quoted(library.abi()) << ", \"arena\": {\"used\": " << runner.arena_used_bytes()
       << ", \"activations\": " << runner.activations_bytes()
       << ", \"persistent\": " << runner.persistent_bytes() << "}, \"frames\": " << frames
       << ", \"input_frame_bytes\": " << runner.input_frame_bytes()
       << ", \"output_frame_bytes\": " << runner.output_frame_bytes()
       << ", \"ns\": {\"min\": " << timing.min_ns << ", \"mean\": " << timing.total_ns / timing.count
       << "}, \"layers\": [";
  for (size_t i = 0; i < timing.layers.size(); ++i) {
    json << (i == 0 ? "" : ", ") << "{\"index\": " << i << ", \"op\": " << quoted(timing.layers[i].op)
         << ", \"min_ns\": " << timing.layers[i].ns << "}";
  }
  json << "]}\n";
  return json.str();
}

// Answers frame by frame, each at once, until stdin ends or nobody reads the answers.
void stream(mltk::Runner& runner) {
  std::vector<uint8_t> input(runner.input_frame_bytes());
  std::vector<uint8_t> output(runner.output_frame_bytes());
  std::printf("{\"input_frame_bytes\": %zu, \"output_frame_bytes\": %zu}\n", input.size(), output.size());
  std::fflush(stdout);
  for (;;) {
    const size_t read = std::fread(input.data(), 1, input.size(), stdin);
    if (read == 0) return;
    if (read != input.size()) throw RunnerError("the input ends within a frame");
    runner.set_input_frame(input.data());
    runner.invoke();
    runner.get_output_frame(output.data());
    std::fwrite(output.data(), 1, output.size(), stdout);
    if (std::fflush(stdout) != 0) throw RunnerError("cannot write the outputs");
  }
}

void run(const Options& options) {
  const mltk::Library library(options.library);
  mltk::Runner runner(library, read_file(options.model), options.arena_bytes, options.profile);
  if (runner.input_frame_bytes() == 0) throw RunnerError("the model's inputs hold no bytes");
  if (options.stream) {
    stream(runner);
    return;
  }
  const auto frames = read_frames(options, runner.input_frame_bytes());
  Timing timing;
  const auto outputs = run_pass(runner, frames, options.reset_every, timing);
  for (size_t pass = 1; pass < options.repeat; ++pass) {
    runner.reset();
    run_pass(runner, frames, options.reset_every, timing);
  }
  if (!options.output.empty()) write_file(options.output, outputs);
  const auto text = report(library, runner, frames.size() / runner.input_frame_bytes(), timing);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  run(parse({argv + 1, argv + argc}));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "tflm_runner: %s\n", error.what());
  return 2;
}
