/* An I2S microphone (INMP441, ICS-43434, SPH0645). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Told of the next samples, as many as there are, in the task that listens. */
typedef void (*microphone_samples_t)(const int16_t* samples, size_t count);

/* Listens for ever; returns only where the microphone fails. */
esp_err_t microphone_listen(uint32_t rate_hz, microphone_samples_t on_samples);

#ifdef __cplusplus
}
#endif
