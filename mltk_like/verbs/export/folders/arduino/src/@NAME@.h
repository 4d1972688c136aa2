// @TITLE@
// The detector of this library; see examples/. A program has one, since the net works in memory of its own.
#pragma once

#include "mltk/detector.hpp"
