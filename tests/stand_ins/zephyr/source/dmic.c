#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <zephyr/audio/dmic.h>
#include <zephyr/sys/printk.h>

const struct device stand_in_dmic0 = {"dmic0"};
static struct pcm_stream_cfg stream;
static bool running;

bool device_is_ready(const struct device* dev) { return dev == &stand_in_dmic0; }

void printk(const char* fmt, ...) {
  va_list values;
  va_start(values, fmt);
  vprintf(fmt, values);
  va_end(values);
}

void k_mem_slab_free(struct k_mem_slab* slab, void* mem) {
  slab->used &= ~(1u << (size_t)((char*)mem - slab->buffer) / slab->block_size);
}

int dmic_configure(const struct device* dev, struct dmic_cfg* cfg) {
  stream = cfg->streams[0];
  const bool good = device_is_ready(dev) && cfg->channel.req_num_chan == 1 &&
                    cfg->channel.req_num_streams == 1 && stream.pcm_width == 16 && stream.pcm_rate > 0 &&
                    stream.block_size == stream.mem_slab->block_size &&
                    cfg->io.min_pdm_clk_freq < cfg->io.max_pdm_clk_freq;
  return good ? 0 : -EINVAL;
}

int dmic_trigger(const struct device* dev, enum dmic_trigger cmd) {
  running = cmd == DMIC_TRIGGER_START;
  return device_is_ready(dev) ? 0 : -EINVAL;
}

/* A block of the slab that nobody has freed is not given out again: a sample that keeps them gets no more. */
int dmic_read(const struct device* dev, uint8_t number, void** buffer, size_t* size, int32_t timeout) {
  if (!running || number != 0 || timeout <= 0 || !device_is_ready(dev)) return -EIO;
  struct k_mem_slab* slab = stream.mem_slab;
  uint32_t block = 0;
  while (block < slab->num_blocks && (slab->used >> block & 1u) != 0) ++block;
  if (block == slab->num_blocks) return -ENOMEM;
  *buffer = slab->buffer + block * slab->block_size;
  *size = fread(*buffer, 1, slab->block_size, stdin);
  if (*size == 0) return -EAGAIN;
  slab->used |= 1u << block;
  return 0;
}
