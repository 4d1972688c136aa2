#include <stdio.h>

#include "driver/i2s_std.h"

struct i2s_channel_obj_t {
  bool ready, enabled;
};

const char* esp_err_to_name(esp_err_t code) {
  return code == ESP_ERR_TIMEOUT ? "ESP_ERR_TIMEOUT" : code == ESP_OK ? "ESP_OK" : "ESP_FAIL";
}

esp_err_t i2s_new_channel(const i2s_chan_config_t* config, i2s_chan_handle_t* sending,
                          i2s_chan_handle_t* receiving) {
  static struct i2s_channel_obj_t only;
  if (sending != NULL || config->role != I2S_ROLE_MASTER) return ESP_ERR_INVALID_ARG;
  *receiving = &only;
  return ESP_OK;
}

esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t channel, const i2s_std_config_t* config) {
  channel->ready = config->slot_cfg.data_bit_width == I2S_DATA_BIT_WIDTH_32BIT &&
                   config->slot_cfg.slot_mode == I2S_SLOT_MODE_MONO &&
                   config->slot_cfg.slot_mask == I2S_STD_SLOT_LEFT && config->slot_cfg.bit_shift &&
                   config->clk_cfg.sample_rate_hz > 0 && config->gpio_cfg.din >= 0;
  return channel->ready ? ESP_OK : ESP_ERR_INVALID_ARG;
}

esp_err_t i2s_channel_enable(i2s_chan_handle_t channel) {
  channel->enabled = channel->ready;
  return channel->enabled ? ESP_OK : ESP_FAIL;
}

/* The microphone's 24 bits come at the top of 32; those below the sample's 16 are noise. */
esp_err_t i2s_channel_read(i2s_chan_handle_t channel, void* to, size_t size, size_t* bytes,
                           uint32_t timeout_ms) {
  int32_t* slots = to;
  *bytes = 0;
  if (!channel->enabled || timeout_ms == 0) return ESP_FAIL;
  for (size_t i = 0; i < size / sizeof *slots; ++i) {
    int16_t sample;
    if (fread(&sample, sizeof sample, 1, stdin) != 1) return ESP_ERR_TIMEOUT;
    slots[i] = sample * 65536 + 0x5500;
    *bytes += sizeof *slots;
  }
  return ESP_OK;
}
