#pragma once

#include <stdexcept>

namespace mltk {

/// What can go wrong while loading or running a model; the message is meant for the user.
class RunnerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace mltk
