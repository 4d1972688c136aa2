// A PDM microphone at two pins: bits by PIO and DMA, samples by a filter.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Told of the next samples, as many as there are; not in an interrupt.
using PdmSamples = void (*)(const int16_t* samples, size_t count);

/// Listens for ever.
[[noreturn]] void pdm_microphone_listen(uint32_t data_pin, uint32_t clock_pin, uint32_t rate_hz,
                                        PdmSamples on_samples);
