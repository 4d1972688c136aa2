#include "audio_input.hpp"

#include <fcntl.h>
#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "runner_error.hpp"

namespace mltk {
namespace {

constexpr int kStandardInput = 0;
constexpr uint32_t kUnknownLength = 0xFFFFFFFF;  // of programs that write to a pipe

uint32_t u32(const uint8_t* at) {
  return at[0] | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16 | uint32_t{at[3]} << 24;
}
uint32_t u16(const uint8_t* at) { return at[0] | uint32_t{at[1]} << 8; }

#ifdef _WIN32

// Windows turns ends of lines about unless it is told that these are bytes.
int open_bytes(const std::string& path) {
  if (path == "-") return ::_setmode(kStandardInput, _O_BINARY) < 0 ? -1 : kStandardInput;
  return ::_open(path.c_str(), _O_RDONLY | _O_BINARY);
}

int64_t read_bytes(int file, uint8_t* bytes, size_t count) {
  return ::_read(file, bytes, static_cast<unsigned>(std::min<size_t>(count, 1u << 30)));
}

void close_file(int file) { ::_close(file); }

#else

int open_bytes(const std::string& path) {
  return path == "-" ? kStandardInput : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

int64_t read_bytes(int file, uint8_t* bytes, size_t count) { return ::read(file, bytes, count); }

void close_file(int file) { ::close(file); }

#endif

}  // namespace

AudioInput::AudioInput(const std::string& path, bool raw, int32_t sample_rate_hz)
    : name_(path == "-" ? "standard input" : path),
      file_(open_bytes(path)),
      left_(std::numeric_limits<uint64_t>::max()) {
  if (file_ < 0) throw RunnerError("cannot read " + name_ + ": " + std::strerror(errno));
  try {
    if (!raw) read_header(sample_rate_hz);
  } catch (...) {
    if (file_ != kStandardInput) close_file(file_);
    throw;
  }
}

AudioInput::~AudioInput() {
  if (file_ != kStandardInput) close_file(file_);
}

bool AudioInput::fill(uint8_t* bytes, size_t count) {
  size_t done = 0;
  while (done < count) {
    const int64_t n = read_bytes(file_, bytes + done, count - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw RunnerError("cannot read " + name_ + ": " + std::strerror(errno));
    if (n == 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

void AudioInput::skip(uint64_t bytes) {
  uint8_t ignored[256];
  while (bytes > 0) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(bytes, sizeof ignored));
    if (!fill(ignored, n)) throw RunnerError(name_ + " is cut off before its sound");
    bytes -= n;
  }
}

void AudioInput::read_header(int32_t sample_rate_hz) {
  uint8_t head[12];
  if (!fill(head, sizeof head) || std::memcmp(head, "RIFF", 4) != 0 ||
      std::memcmp(head + 8, "WAVE", 4) != 0) {
    throw RunnerError(name_ + " is not a WAV file; for samples alone use --raw");
  }
  bool has_format = false;
  for (;;) {
    uint8_t chunk[8];
    if (!fill(chunk, sizeof chunk)) throw RunnerError(name_ + " holds no sound");
    const uint32_t bytes = u32(chunk + 4);
    if (std::memcmp(chunk, "data", 4) == 0) {
      if (!has_format) throw RunnerError(name_ + " is damaged: its sound comes before its format");
      left_ = bytes == kUnknownLength ? std::numeric_limits<uint64_t>::max() : bytes;
      return;
    }
    if (std::memcmp(chunk, "fmt ", 4) == 0) {
      read_format(bytes, sample_rate_hz);
      has_format = true;
    } else {
      skip(uint64_t{bytes} + bytes % 2);
    }
  }
}

void AudioInput::read_format(uint32_t bytes, int32_t sample_rate_hz) {
  constexpr uint32_t kPcm = 1, kExtensible = 0xFFFE;
  uint8_t format[40] = {};
  if (bytes < 16) throw RunnerError(name_ + " is damaged: its format is too short");
  const uint32_t known = std::min<uint32_t>(bytes, sizeof format);
  if (!fill(format, known)) throw RunnerError(name_ + " is cut off before its sound");
  skip(uint64_t{bytes} - known + bytes % 2);
  const uint32_t tag = u16(format) == kExtensible && bytes >= 40 ? u16(format + 24) : u16(format);
  const uint32_t channels = u16(format + 2), rate = u32(format + 4), bits = u16(format + 14);
  if (tag != kPcm || bits != 16 || channels != 1) {
    throw RunnerError(name_ + " holds " + std::to_string(channels) + " channel(s) of " +
                      std::to_string(bits) + (tag == kPcm ? "-bit PCM" : "-bit samples that are not PCM") +
                      "; 16-bit mono PCM is needed, for example: ffmpeg -i FILE -ac 1 -ar " +
                      std::to_string(sample_rate_hz) + " -c:a pcm_s16le out.wav");
  }
  if (rate != static_cast<uint32_t>(sample_rate_hz)) {
    throw RunnerError(name_ + " has " + std::to_string(rate) + " samples a second; the model takes " +
                      std::to_string(sample_rate_hz));
  }
}

std::vector<int16_t> AudioInput::read(size_t count) {
  std::vector<uint8_t> bytes(static_cast<size_t>(std::min<uint64_t>(2 * uint64_t{count}, left_ / 2 * 2)));
  size_t done = 0;
  while (!bytes.empty() && done == 0) {
    const int64_t n = read_bytes(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw RunnerError("cannot read " + name_ + ": " + std::strerror(errno));
    if (n == 0) return {};
    done = static_cast<size_t>(n);
  }
  // A pipe may cut a sample in two; half a sample at the very end is left out.
  if (done % 2 != 0) done = fill(bytes.data() + done, 1) ? done + 1 : done - 1;
  left_ -= done;
  std::vector<int16_t> samples(done / 2);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<int16_t>(u16(bytes.data() + 2 * i));
  return samples;
}

}  // namespace mltk
