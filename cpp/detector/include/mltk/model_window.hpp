// The model that is compiled in: scores of its classes from windows of its front end. What it knows of the
// model is in model_net.h and model_constants.hpp, which mltk_like writes.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mltk {

/// Before the first window, and to forget what was heard.
void forget_windows();

/// One score for each class, 0 to 255, from a window of the front end's columns.
void classify_window(const int8_t* window, uint8_t* scores);

}  // namespace mltk
