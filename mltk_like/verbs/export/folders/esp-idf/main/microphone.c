#include "microphone.h"

#include "driver/i2s_std.h"

#define CLOCK_PIN GPIO_NUM_5 /* SCK of the microphone */
#define WORD_PIN GPIO_NUM_6  /* WS */
#define DATA_PIN GPIO_NUM_4  /* SD */
#define BLOCK 256
#define SHIFT 16 /* from 32 bits a sample to 16; 14 makes it four times as loud */

static esp_err_t start(uint32_t rate_hz, i2s_chan_handle_t* channel) {
  const i2s_chan_config_t port = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_AUTO, I2S_ROLE_MASTER);
  i2s_std_config_t config = {
      .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(rate_hz),
      .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT, I2S_SLOT_MODE_MONO),
      .gpio_cfg =
          {
              .mclk = I2S_GPIO_UNUSED,
              .bclk = CLOCK_PIN,
              .ws = WORD_PIN,
              .dout = I2S_GPIO_UNUSED,
              .din = DATA_PIN,
          },
  };
  config.slot_cfg.slot_mask = I2S_STD_SLOT_LEFT; /* L/R of the microphone to ground */
  esp_err_t error = i2s_new_channel(&port, NULL, channel);
  if (error == ESP_OK) error = i2s_channel_init_std_mode(*channel, &config);
  if (error == ESP_OK) error = i2s_channel_enable(*channel);
  return error;
}

static int16_t sample_of(int32_t slot) {
  const int32_t value = slot >> SHIFT;
  return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}

esp_err_t microphone_listen(uint32_t rate_hz, microphone_samples_t on_samples) {
  static int32_t slots[BLOCK];
  static int16_t samples[BLOCK];
  i2s_chan_handle_t channel = NULL;
  esp_err_t error = start(rate_hz, &channel);
  while (error == ESP_OK) {
    size_t bytes = 0;
    error = i2s_channel_read(channel, slots, sizeof slots, &bytes, 1000);
    for (size_t i = 0; i < bytes / sizeof *slots; ++i) samples[i] = sample_of(slots[i]);
    on_samples(samples, bytes / sizeof *slots);
  }
  return error;
}
