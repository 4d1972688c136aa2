// The board's end of a pseudo-terminal, which stands for its serial line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mltk {

class Terminal {
 public:
  /// Opens one. Throws RunnerError.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// What the host opens.
  const std::string& path() const { return path_; }
  int handle() const { return master_; }
  bool has_waiting() const { return !waiting_.empty(); }
  /// What the host has sent by now.
  std::vector<uint8_t> read();
  /// Never blocks: what nobody reads is dropped beyond a megabyte, as a serial line would.
  void write(const std::vector<uint8_t>& bytes);
  void flush();
  /// The line is gone for the host, and so is its path, which stays taken until this object ends.
  void hang_up();

 private:
  int master_;
  int slave_ = -1;  // kept open, so that a host may come and go
  std::string path_;
  std::vector<uint8_t> waiting_;
};

}  // namespace mltk
