#pragma once

#include "pico/stdlib.h"

enum dma_channel_transfer_size { DMA_SIZE_8 = 0, DMA_SIZE_16 = 1, DMA_SIZE_32 = 2 };
typedef struct {
  uint32_t ctrl;
} dma_channel_config;

int dma_claim_unused_channel(bool required);
dma_channel_config dma_channel_get_default_config(uint channel);
void channel_config_set_transfer_data_size(dma_channel_config* c, enum dma_channel_transfer_size size);
void channel_config_set_read_increment(dma_channel_config* c, bool incr);
void channel_config_set_write_increment(dma_channel_config* c, bool incr);
void channel_config_set_dreq(dma_channel_config* c, uint dreq);
void dma_channel_configure(uint channel, const dma_channel_config* config, volatile void* write_addr,
                           const volatile void* read_addr, uint32_t transfer_count, bool trigger);
void dma_channel_set_irq0_enabled(uint channel, bool enabled);
void dma_channel_acknowledge_irq0(uint channel);
void dma_channel_transfer_to_buffer_now(uint channel, volatile void* write_addr, uint32_t transfer_count);
