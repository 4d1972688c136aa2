// board_simulator: a board with front end, recogniser and TFLM behind the board protocol on a
// pseudo-terminal.
//
//   board_simulator --library SO --model FILE [--microphone WAV] [--slot BYTES] [--name TEXT]
//                   [--fault drop=P,flip=P,garbage=P,reset=BYTES,unplug=BYTES] [--seed N]
//
// The first line on stdout is the path of the pseudo-terminal. The microphone hears the WAV file over and
// over in real time, or silence. It ends when stdin is closed, so that it never outlives the program that
// started it. Errors go to stderr, with exit code 2.
//
//   board_simulator --microphone WAV [--rate HZ] [--name TEXT] [--fault ...] [--seed N]
//
// Without a model it is a board that only streams its microphone.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "audio_input.hpp"
#include "classifier.hpp"
#include "faults.hpp"
#include "library.hpp"
#include "mltk/board.hpp"
#include "options.hpp"
#include "read_file.hpp"
#include "runner_error.hpp"
#include "terminal.hpp"

namespace {

using mltk::Options;
using Clock = std::chrono::steady_clock;

constexpr int kTickMs = 20;
constexpr int kProfileRuns = 5;

struct Settings {
  std::string name;
  uint32_t slot_bytes;
  int32_t microphone_hz;  // of a board without a model
  mltk::FaultRates faults;
  uint32_t seed;
};

class Simulator final : public mltk::BoardDevice {
 public:
  // Without a library there is no model.
  Simulator(const mltk::Library* library, const std::vector<uint8_t>& model, const Settings& settings)
      : library_(library),
        settings_(settings),
        from_host_(settings.faults, settings.seed),
        to_host_(settings.faults, settings.seed + 1),
        slot_(settings.slot_bytes),
        board_(*this),
        classifier_(library == nullptr ? nullptr
                                       : std::make_unique<mltk::Classifier>(*library, model, board_)),
        model_check_(model.empty() ? 0 : mltk::crc32(model.data(), model.size())) {
    if (classifier_ == nullptr) {
      board_.use_microphone(settings.microphone_hz);
    } else {
      board_.use(classifier_->pipeline());
    }
    board_.boot();
  }

  const std::string& path() const { return terminal_.path(); }
  int32_t sample_rate_hz() {
    return classifier_ == nullptr ? settings_.microphone_hz : classifier_->pipeline().shape().sample_rate_hz;
  }
  void hear_from_now_on(std::vector<int16_t> samples) { microphone_ = std::move(samples); }

  // Until stdin is closed.
  void run() {
    for (;;) {
      const auto events = static_cast<short>(terminal_.has_waiting() ? POLLIN | POLLOUT : POLLIN);
      pollfd lines[2] = {{terminal_.handle(), events, 0}, {STDIN_FILENO, POLLIN, 0}};
      ::poll(lines, 2, kTickMs);
      if (lines[1].revents != 0 && is_closed(STDIN_FILENO)) return;
      terminal_.flush();
      if ((lines[0].revents & POLLIN) != 0 && !take(terminal_.read())) return unplug();
      hear_microphone();
    }
  }

  void write(const uint8_t* bytes, size_t count) override { terminal_.write(to_host_.pass(bytes, count)); }
  mltk::BoardInfo info() override { return {boots_, settings_.slot_bytes, 4, model_check_}; }

  const char* name(size_t index) override {
    if (index == 0) return settings_.name.c_str();
    if (classifier_ == nullptr) return nullptr;
    const auto& model = classifier_->settings();
    if (index == 1) return model.name.c_str();
    return index - 2 < model.classes.size() ? model.classes[index - 2].c_str() : nullptr;
  }

  bool classify(const int8_t* window, uint8_t* scores) override {
    return attempt([&] { classifier_->classify(window, scores); });
  }

  bool profile(mltk::BoardProfile* out) override {
    if (classifier_ == nullptr) return false;
    return attempt([&] {
      layers_.clear();
      uint64_t fastest = 0;
      for (int i = 0; i < kProfileRuns; ++i) {
        const auto begin = Clock::now();
        classifier_->runner().invoke();
        const auto ns = static_cast<uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count());
        fastest = i == 0 ? ns : std::min(fastest, ns);
        keep_fastest(classifier_->runner().profile());
      }
      classifier_->forget();
      *out = {static_cast<uint32_t>(layers_.size()), static_cast<uint32_t>(fastest),
              static_cast<uint32_t>(classifier_->runner().arena_used_bytes()),
              static_cast<uint32_t>(classifier_->model_bytes())};
    });
  }

  bool layer(size_t index, mltk::BoardLayer* out) override {
    if (index >= layers_.size()) return false;
    *out = {static_cast<uint32_t>(layers_[index].ns), layers_[index].op.c_str()};
    return true;
  }

  bool write_slot(uint32_t offset, const uint8_t* bytes, size_t count) override {
    std::copy(bytes, bytes + count, slot_.begin() + offset);
    return true;
  }
  bool read_slot(uint32_t offset, uint8_t* bytes, size_t count) override {
    std::copy_n(slot_.begin() + offset, count, bytes);
    return true;
  }
  bool load_slot(uint32_t bytes) override {
    return attempt([&] {
      const std::vector<uint8_t> model(slot_.begin(), slot_.begin() + bytes);
      auto fresh = std::make_unique<mltk::Classifier>(*library_, model, board_);
      board_.use(fresh->pipeline());
      classifier_ = std::move(fresh);
      model_check_ = mltk::crc32(model.data(), model.size());
      layers_.clear();
    });
  }

 private:
  static bool is_closed(int handle) {
    char ignored[64];
    return ::read(handle, ignored, sizeof ignored) <= 0;
  }

  template <class Work>
  static bool attempt(Work work) try {
    work();
    return true;
  } catch (const mltk::RunnerError& error) {
    std::fprintf(stderr, "board_simulator: %s\n", error.what());
    return false;
  }

  void keep_fastest(const std::vector<mltk::OpTime>& times) {
    if (layers_.empty() || times.size() < layers_.size()) layers_ = times;
    if (times.size() != layers_.size()) return;
    for (size_t i = 0; i < times.size(); ++i) layers_[i].ns = std::min(layers_[i].ns, times[i].ns);
  }

  // As long as this program runs the line's name is nobody else's: a host that looks for it again must not
  // find another simulator there.
  void unplug() {
    terminal_.hang_up();
    while (!is_closed(STDIN_FILENO)) {
    }
  }

  // False when the line is unplugged.
  bool take(const std::vector<uint8_t>& bytes) {
    for (uint8_t byte : bytes) {
      const double before = taken_++;
      if (settings_.faults.unplug > 0 && before == settings_.faults.unplug) return false;
      if (settings_.faults.reset > 0 && before == settings_.faults.reset) {
        ++boots_;
        board_.boot();
      }
      const auto passed = from_host_.pass(&byte, 1);
      board_.receive(passed.data(), passed.size());
    }
    return true;
  }

  // What has sounded since the last time. A gap of more than a second is left out: the board was busy.
  void hear_microphone() {
    const auto now = Clock::now();
    const double seconds = std::min(std::chrono::duration<double>(now - heard_until_).count(), 1.0);
    heard_until_ = now;
    owed_ += seconds * sample_rate_hz();
    std::vector<int16_t> samples(static_cast<size_t>(owed_));
    owed_ -= static_cast<double>(samples.size());
    for (int16_t& sample : samples) {
      sample = microphone_.empty() ? int16_t{0} : microphone_[at_];
      at_ = microphone_.empty() ? 0 : (at_ + 1) % microphone_.size();
    }
    board_.microphone(samples.data(), samples.size());
  }

  const mltk::Library* library_;
  Settings settings_;
  mltk::Terminal terminal_;
  mltk::BadLine from_host_;
  mltk::BadLine to_host_;
  std::vector<uint8_t> slot_;
  std::vector<mltk::OpTime> layers_;
  uint32_t boots_ = 1;
  double taken_ = 0;
  std::vector<int16_t> microphone_;
  size_t at_ = 0;
  Clock::time_point heard_until_ = Clock::now();
  double owed_ = 0;
  mltk::Board board_;
  std::unique_ptr<mltk::Classifier> classifier_;
  uint32_t model_check_;
};

std::vector<int16_t> read_all(const std::string& path, int32_t sample_rate_hz) {
  mltk::AudioInput input(path, false, sample_rate_hz);
  std::vector<int16_t> all;
  for (;;) {
    const auto samples = input.read(65536);
    if (samples.empty()) return all;
    all.insert(all.end(), samples.begin(), samples.end());
  }
}

void run(const Options& options) {
  std::unique_ptr<const mltk::Library> library;
  std::vector<uint8_t> model;
  if (options.has("--model")) {
    library = std::make_unique<const mltk::Library>(options.text("--library"));
    model = mltk::read_file(options.text("--model"));
  } else if (!options.has("--microphone")) {
    throw mltk::RunnerError("--model is needed; or --microphone alone, for a board that only streams it");
  }
  Settings settings;
  settings.name = options.has("--name") ? options.text("--name") : "simulator";
  settings.slot_bytes =
      library == nullptr ? 0 : static_cast<uint32_t>(options.number("--slot", 0, 1 << 28, 1 << 20));
  settings.microphone_hz = static_cast<int32_t>(options.number("--rate", 1000, 384000, 16000));
  settings.faults = mltk::parse_faults(options.has("--fault") ? options.text("--fault") : "");
  settings.seed = static_cast<uint32_t>(options.number("--seed", 0, 1e9, 1));
  Simulator simulator(library.get(), model, settings);
  if (options.has("--microphone")) {
    simulator.hear_from_now_on(read_all(options.text("--microphone"), simulator.sample_rate_hz()));
  }
  std::printf("%s\n", simulator.path().c_str());
  std::fflush(stdout);
  simulator.run();
}

}  // namespace

int main(int argc, char** argv) try {
  run({argc,
       argv,
       {"--library", "--model", "--microphone", "--slot", "--name", "--fault", "--seed", "--rate"},
       {}});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "board_simulator: %s\n", error.what());
  return 2;
}
