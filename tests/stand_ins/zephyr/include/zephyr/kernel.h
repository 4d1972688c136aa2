/* Of Zephyr's kernel what the sample uses: devices, and slabs of memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct device {
  const char* name;
};
extern const struct device stand_in_dmic0;
#define DT_ALIAS(alias) stand_in_##alias
#define DEVICE_DT_GET(node_id) (&node_id)
bool device_is_ready(const struct device* dev);

struct k_mem_slab {
  char* buffer;
  size_t block_size;
  uint32_t num_blocks;
  uint32_t used; /* a bit for each block */
};
#define K_MEM_SLAB_DEFINE_STATIC(name, slab_block_size, slab_num_blocks, slab_align)                      \
  static char                                                                                             \
      __attribute__((aligned(slab_align))) _k_mem_slab_buf_##name[(slab_num_blocks) * (slab_block_size)]; \
  static struct k_mem_slab name = {_k_mem_slab_buf_##name, slab_block_size, slab_num_blocks, 0}
void k_mem_slab_free(struct k_mem_slab* slab, void* mem);

#define BIT_MASK(n) ((1UL << (n)) - 1UL)

#ifdef __cplusplus
}
#endif
