// Between a window and scores: what of the window a net is run on, in which type, and what its outputs mean.
// The net itself is the caller's: TensorFlow Lite Micro on a computer, C on a device.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mltk {

enum class NetValue : uint8_t { kInt8, kUint8, kFloat32 };

/// Bytes at the end of `window` that a net with a state of its own must be given, `input_bytes` at a time.
/// The state of a net without a loop follows from the window that it was given last. So where a window
/// continues that one, its end will do; else, as at the beginning (`last` is null) and after a pause, all of
/// it goes in. A net whose input is a whole window is given all of it.
size_t new_bytes(const int8_t* window, const int8_t* last, size_t window_bytes, size_t input_bytes);

/// Values of the front end as a net of int8 or uint8 takes them.
void fill_input(const int8_t* values, size_t count, NetValue type, void* input);

/// Scores from the outputs of a net, one for each class.
void scores_of(const void* output, NetValue type, size_t classes, uint8_t* scores);

}  // namespace mltk
