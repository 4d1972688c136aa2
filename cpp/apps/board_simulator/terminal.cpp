#include "terminal.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "runner_error.hpp"

namespace mltk {
namespace {

constexpr size_t kMostWaiting = size_t{1} << 20;

}  // namespace

Terminal::Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) {
  const char* name = nullptr;
  if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0 ||
      (name = ::ptsname(master_)) == nullptr) {
    throw RunnerError("cannot open a pseudo-terminal");
  }
  path_ = name;
  slave_ = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios line{};
  // Without this the terminal would echo what the board sends, and wait for ends of lines.
  if (slave_ < 0 || ::tcgetattr(slave_, &line) != 0) throw RunnerError("cannot open " + path_);
  ::cfmakeraw(&line);
  ::tcsetattr(slave_, TCSANOW, &line);
}

Terminal::~Terminal() {
  if (slave_ >= 0) ::close(slave_);
  if (master_ >= 0) ::close(master_);
}

void Terminal::hang_up() {
  ::close(master_);
  master_ = -1;
}

std::vector<uint8_t> Terminal::read() {
  std::vector<uint8_t> bytes(4096);
  const ssize_t n = ::read(master_, bytes.data(), bytes.size());
  bytes.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return bytes;
}

void Terminal::write(const std::vector<uint8_t>& bytes) {
  if (waiting_.size() + bytes.size() <= kMostWaiting)
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
  flush();
}

void Terminal::flush() {
  while (!waiting_.empty()) {
    const ssize_t n = ::write(master_, waiting_.data(), waiting_.size());
    if (n <= 0) return;
    waiting_.erase(waiting_.begin(), waiting_.begin() + n);
  }
}

}  // namespace mltk
