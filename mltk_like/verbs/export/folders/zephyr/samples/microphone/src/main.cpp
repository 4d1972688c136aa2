// Detections of @NAME@ on a line each, from the digital microphone that the alias dmic0 names.
#include <zephyr/audio/dmic.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "mltk/detector.hpp"

namespace {

constexpr size_t kBlockBytes = mltk::kModelSampleRateHz / 50 * sizeof(int16_t);  // 20 ms
constexpr int kBlocks = 25;  // half a second: more than comes while the net computes
K_MEM_SLAB_DEFINE_STATIC(slab, kBlockBytes, kBlocks, 4);

void on_detection(const mltk::Detection& found, void*) {
  printk("Detected class=%d label=%s score=%d @%lldms\n", static_cast<int>(found.class_index),
         mltk::Detector::class_name(found.class_index), static_cast<int>(found.score),
         static_cast<long long>(found.time));
}

mltk::Detector detector(on_detection);

// The microphone's callback.
void on_samples(const int16_t* samples, size_t count) { detector.hear(samples, count); }

int start(const device* microphone) {
  pcm_stream_cfg stream{};
  stream.pcm_rate = mltk::kModelSampleRateHz;
  stream.pcm_width = 16;
  stream.block_size = kBlockBytes;
  stream.mem_slab = &slab;
  dmic_cfg config{};
  config.io.min_pdm_clk_freq = 1000000;
  config.io.max_pdm_clk_freq = 3500000;
  config.io.min_pdm_clk_dc = 40;
  config.io.max_pdm_clk_dc = 60;
  config.streams = &stream;
  config.channel.req_num_streams = 1;
  config.channel.req_num_chan = 1;
  config.channel.req_chan_map_lo = dmic_build_channel_map(0, 0, PDM_CHAN_LEFT);
  const int error = dmic_configure(microphone, &config);
  return error < 0 ? error : dmic_trigger(microphone, DMIC_TRIGGER_START);
}

}  // namespace

int main() {
  const device* microphone = DEVICE_DT_GET(DT_ALIAS(dmic0));
  detector.open();
  int error = device_is_ready(microphone) ? start(microphone) : -1;
  while (error >= 0) {
    void* block;
    size_t bytes;
    error = dmic_read(microphone, 0, &block, &bytes, 1000);
    if (error < 0) break;
    on_samples(static_cast<const int16_t*>(block), bytes / sizeof(int16_t));
    k_mem_slab_free(&slab, block);
  }
  printk("The microphone gives nothing: %d\n", error);
}
