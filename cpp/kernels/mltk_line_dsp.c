/* Lines of a depthwise convolution's output for the DSP extension: four outputs at a time of one channel, two
   products for each instruction. In assembler for the reasons of mltk_block_dsp.c.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_dsp.h"

#ifdef MLTK_KERNELS_DSP

#ifdef MLTK_DSP_ASSEMBLER

/* Sums r4-r7, twice as great as they are; r0 values, r1 taps; r2 by how many bytes the values of the next
   step are further. C, D, E, F: what the sums begin with. */
#define STEP_BY_ONES(c, d, e, f)                                                                         \
  "ldm r1!, {r2, r3, r11, r12, lr}\n ldm.w r0, {r8, r9, r10}\n add.w r0, r0, r2\n"                       \
  "smlad r4, r8, r3, " c "\n smlad r5, r8, r11, " d "\n smlad r6, r9, r3, " e "\n smlad r7, r9, r11, " f \
  "\n"                                                                                                   \
  "smlad r4, r9, r12, r4\n smlad r5, r9, lr, r5\n smlad r6, r10, r12, r6\n smlad r7, r10, lr, r7\n"
#define STEP_BY_TWOS(c, d, e, f)                                                                         \
  "ldm.w r1!, {r2, r3, lr}\n ldm.w r0, {r8-r12}\n add.w r0, r0, r2\n"                                    \
  "smlad r4, r8, r3, " c "\n smlad r5, r9, r3, " d "\n smlad r6, r10, r3, " e "\n smlad r7, r11, r3, " f \
  "\n"                                                                                                   \
  "smlad r4, r9, lr, r4\n smlad r5, r10, lr, r5\n smlad r6, r11, lr, r6\n smlad r7, r12, lr, r7\n"

/* An output: multiplier in r8, half and zero point in r9, right - 1 in r10. */
#define OUTPUT(s, at)                              \
  "smmlar r12, " s ", r8, r9\n add.w r12, r12, " s \
  ", asr #31\n"                                    \
  "asr.w r12, r12, r10\n ssat r12, #8, r12, asr #1\n strb.w r12, " at "\n"

/* The stack: 0 out, 4 its stride, 8 x, 12 taps, 16 how many outputs are left, 20 at which step to go on after
   the first. `bytes`: from one four of outputs to the next in x. */
#define LINE(STEP, bytes) \
  "push {r4-r11, lr}\n sub sp, sp, #28\n ldr r4, [r3]\n ldrd r5, r6, [r3, #4]\n"                          \
  "strd r2, r6, [sp]\n strd r0, r1, [sp, #8]\n"                                                           \
  "adr.w r7, 2f\n sub r4, r4, #1\n mov r8, #44\n mls r7, r4, r8, r7\n orr r7, r7, #1\n strd r5, r7, [sp, #16]\n" \
  "0: ldr r7, [r1], #4\n" STEP("r7", "r7", "r7", "r7") "ldr pc, [sp, #20]\n"                              \
  ".rept 12\n" STEP("r4", "r5", "r6", "r7") ".endr\n"                                                     \
  "2: ldm.w r1, {r8, r9, r10}\n ldrd r2, r3, [sp]\n ldr r1, [sp, #16]\n"                                  \
  "subs r1, r1, #4\n str r1, [sp, #16]\n bmi 3f\n"                                                        \
  OUTPUT("r4", "[r2]") OUTPUT("r5", "[r2, r3]") OUTPUT("r6", "[r2, r3, lsl #1]")                          \
  "add r2, r2, r3, lsl #1\n" OUTPUT("r7", "[r2, r3]")                                                     \
  "add r2, r2, r3, lsl #1\n str r2, [sp]\n cbz r1, 4f\n"                                                  \
  "ldrd r0, r1, [sp, #8]\n add r0, r0, #" bytes "\n str r0, [sp, #8]\n b.w 0b\n"                          \
  "3: adds r1, r1, #3\n" OUTPUT("r4", "[r2]") "beq 4f\n subs r1, r1, #1\n"                                \
  OUTPUT("r5", "[r2, r3]") "beq 4f\n" OUTPUT("r6", "[r2, r3, lsl #1]")                                    \
  "4: add sp, sp, #28\n pop {r4-r11, pc}\n"

__attribute__((naked)) void mltk_line_by_ones(const uint32_t* x, const int32_t* taps, int8_t* out,
                                              const mltk_line* line) {
  (void)x, (void)taps, (void)out, (void)line;
  __asm__ volatile(LINE(STEP_BY_ONES, "8"));
}

__attribute__((naked)) void mltk_line_by_twos(const uint32_t* x, const int32_t* taps, int8_t* out,
                                              const mltk_line* line) {
  (void)x, (void)taps, (void)out, (void)line;
  __asm__ volatile(LINE(STEP_BY_TWOS, "16"));
}

#else /* The same in C, for tests on a host. */

/* A step's words: by how many bytes the next is further, then for taps 0 and 1 and for 2 and 3 (by ones: each
   twice, as they are for even values and for odd ones). */
static void line_of(int by, const uint32_t* x, const int32_t* taps, int8_t* out, const mltk_line* line) {
  const int words = by == 1 ? 5 : 3;
  const int32_t* const scale = taps + 1 + words * line->steps;
  for (int i = 0; i < line->outputs; ++i) {
    const int odd = by == 1 && (i & 1);
    const uint32_t* at = x + (by == 1 ? i / 2 : i);
    const int32_t* step = taps + 1;
    int32_t sum = taps[0];
    for (int n = 0; n < line->steps; ++n, step += words) {
      sum = mltk_two_products(at[0], (uint32_t)step[1 + odd], sum);
      sum = mltk_two_products(at[1], (uint32_t)step[by == 1 ? 3 + odd : 2], sum);
      at += step[0] / 4;
    }
    out[i * line->stride] = mltk_scaled_twice(sum, scale[0], scale[1], scale[2]);
  }
}

void mltk_line_by_ones(const uint32_t* x, const int32_t* taps, int8_t* out, const mltk_line* line) {
  line_of(1, x, taps, out, line);
}

void mltk_line_by_twos(const uint32_t* x, const int32_t* taps, int8_t* out, const mltk_line* line) {
  line_of(2, x, taps, out, line);
}

#endif
#endif

/* So that the file is never empty. */
typedef int mltk_line_is_for_dsp;
