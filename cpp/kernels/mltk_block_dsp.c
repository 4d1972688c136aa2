/* Sums of products for the DSP extension, and what is made of them.

   A word of packed weights holds two values of the input for each of two channels: its halves are
   256 * (weight of the second channel) + (weight of the first), each exact in 16 bits. Multiplied as it is it
   gives 256 * S1 + S0, with both halves' lower bytes alone it gives S0: two instructions and a half for four
   products, and weights stay bytes. All sums wrap at 32 bits; S1 is exact because the packer proves it to be
   within 24.

   In assembler, because compilers do not keep the fourteen registers that this takes. The functions own all
   of their registers ("naked"), so no option of the compiler matters to them.

   Part of mltk_like. SPDX-License-Identifier: Apache-2.0 */

#include "mltk_dsp.h"

#ifdef MLTK_KERNELS_DSP

#ifdef MLTK_DSP_ASSEMBLER

/* Three pixels: r4-r6 256 * S1 + S0, r7-r9 S0; r0 values, r1 weights. OP is smuad (and R nothing) or smlad.
 */
#define FIRST_HALF3                                                                \
  "ldm r0!, {r2, r3, r10}\n ldrd r11, r12, [r1], #8\n"                             \
  "smuad r4, r2, r11\n smuad r5, r3, r11\n smuad r6, r10, r11\n sxtb16 r11, r11\n" \
  "smuad r7, r2, r11\n smuad r8, r3, r11\n smuad r9, r10, r11\n"
#define HALF3(w)                                                                                    \
  "smlad r4, r2, " w ", r4\n smlad r5, r3, " w ", r5\n smlad r6, r10, " w ", r6\n sxtb16 " w ", " w \
  "\n"                                                                                              \
  "smlad r7, r2, " w ", r7\n smlad r8, r3, " w ", r8\n smlad r9, r10, " w ", r9\n"
#define SECOND_HALF3 "ldm r0!, {r2, r3, r10}\n" HALF3("r12")
#define GROUP3 "ldm r0!, {r2, r3, r10}\n ldrd r11, r12, [r1], #8\n" HALF3("r11") SECOND_HALF3

/* One pixel: r4 256 * S1 + S0, r5 S0. */
#define FIRST_GROUP1                                                                \
  "ldrd r6, r7, [r0], #8\n ldrd r10, r11, [r1], #8\n"                               \
  "smuad r4, r6, r10\n smlad r4, r7, r11, r4\n sxtb16 r10, r10\n sxtb16 r11, r11\n" \
  "smuad r5, r6, r10\n smlad r5, r7, r11, r5\n"
#define TWO_GROUPS1                                                                                \
  "ldm r0!, {r6, r7, r8, r9}\n ldm r1!, {r10, r11, r12, lr}\n"                                     \
  "smlad r4, r6, r10, r4\n smlad r4, r7, r11, r4\n smlad r4, r8, r12, r4\n smlad r4, r9, lr, r4\n" \
  "sxtb16 r10, r10\n sxtb16 r11, r11\n sxtb16 r12, r12\n sxtb16 lr, lr\n"                          \
  "smlad r5, r6, r10, r5\n smlad r5, r7, r11, r5\n smlad r5, r8, r12, r5\n smlad r5, r9, lr, r5\n"

/* Saves registers and fills 28 bytes of the stack: 0 out, 4 stride, 8 twice, 12 x, 16 end of out,
   20 where the loop of 8 turns is entered, 24 how often it is gone through. r4 is how many turns there are,
   of `bytes` each. */
#define PROLOGUE                                                                       \
  "push {r4-r11, lr}\n sub sp, sp, #28\n ldr r12, [sp, #64]\n"                         \
  "ldrd r4, r5, [r3]\n ldr r6, [r3, #8]\n strd r2, r5, [sp]\n strd r6, r0, [sp, #8]\n" \
  "add r12, r2, r12, lsl #1\n str r12, [sp, #16]\n"
#define ENTRY(bytes)                                                    \
  "adr.w r5, 1f\n rsb r6, r4, #0\n and r6, r6, #7\n mov r7, #" bytes    \
  "\n mla r5, r6, r7, r5\n"                                             \
  "adr.w r6, 2f\n cmp r4, #0\n it eq\n moveq r5, r6\n orr r5, r5, #1\n" \
  "add r4, r4, #7\n lsr r4, r4, #3\n strd r5, r4, [sp, #20]\n"
#define EPILOGUE "add sp, sp, #28\n pop {r4-r11, pc}\n"

/* An output of its sum `s`, which is shifted so that it is twice itself: bias in r0, multiplier in r12, half
   and zero point in lr, right - 1 in the low byte of r11. Halves go away from zero: a negative number
   loses 1. */
#define SCALE3(s, shift, at)                         \
  "add " s ", r0, " s ", " shift "\n smmlar r10, " s \
  ", r12, lr\n"                                      \
  "add r10, r10, " s                                 \
  ", asr #31\n asr r10, r10, r11\n"                  \
  "ssat r10, #8, r10, asr #1\n strb r10, " at "\n"
#define CHANNEL3(a, b, c, shift)                                                             \
  "ldrd r11, r12, [r1], #8\n ldr lr, [sp, #8]\n asr r0, r11, #7\n lsl lr, lr, r11\n" SCALE3( \
      a, shift, "[r2]") SCALE3(b, shift, "[r2, r3]") SCALE3(c, shift, "[r2, r3, lsl #1]") "add r2, r2, #1\n"

__attribute__((naked)) void mltk_three_pixels(const uint32_t* x, const int32_t* packed, int8_t* out,
                                              const mltk_block* block, int32_t pairs) {
  (void)x, (void)packed, (void)out, (void)block, (void)pairs;
  __asm__ volatile(
      PROLOGUE "sub r4, r4, #1\n" ENTRY(
          "68") "0: ldr lr, [sp, #24]\n" FIRST_HALF3 SECOND_HALF3
                "ldr pc, [sp, #20]\n"
                "1:\n .rept 8\n" GROUP3
                ".endr\n subs lr, lr, #1\n bne.w 1b\n"
                "2: sub r4, r4, r7\n sub r5, r5, r8\n sub r6, r6, r9\n ldrd r2, r3, [sp]\n" CHANNEL3(
                    "r7", "r8", "r9", "lsl #1")
                    CHANNEL3(
                        "r4", "r5", "r6",
                        "asr #7") "str r2, [sp]\n ldrd r0, r3, [sp, #12]\n cmp r2, r3\n bne.w 0b\n" EPILOGUE);
}

__attribute__((naked)) void mltk_three_sums(const uint32_t* x, const int32_t* packed, int32_t* sums,
                                            int32_t groups) {
  (void)x, (void)packed, (void)sums, (void)groups;
  __asm__ volatile("push {r2, r4-r11, lr}\n mov lr, r3\n" FIRST_HALF3 SECOND_HALF3 "b.n 2f\n 1:\n" GROUP3
                   "2: subs lr, lr, #1\n bne.w 1b\n"
                   "sub r4, r4, r7\n sub r5, r5, r8\n sub r6, r6, r9\n pop {r2}\n"
                   "asr r4, r4, #8\n asr r5, r5, #8\n asr r6, r6, #8\n"
                   "strd r7, r4, [r2]\n strd r8, r5, [r2, #8]\n strd r9, r6, [r2, #16]\n"
                   "pop {r4-r11, pc}\n");
}

#define SCALE1(s, shift, p, m)                                                      \
  "asr r10, " p ", #7\n lsl r11, r3, " p "\n add " s ", r10, " s ", " shift         \
  "\n"                                                                              \
  "smmlar r12, " s ", " m ", r11\n add r12, r12, " s ", asr #31\n asr r12, r12, " p \
  "\n"                                                                              \
  "ssat r12, #8, r12, asr #1\n strb r12, [r2], #1\n"

/* The first group alone where their number is odd, else the first two; then two at a time. */
__attribute__((naked)) void mltk_one_pixel(const uint32_t* x, const int32_t* packed, int8_t* out,
                                           const mltk_block* block, int32_t pairs) {
  (void)x, (void)packed, (void)out, (void)block, (void)pairs;
  __asm__ volatile(
      PROLOGUE
      "tst r4, #1\n ite eq\n moveq r5, #1\n movne r5, #0\n str r5, [sp, #4]\n"
      "sub r4, r4, #1\n lsr r4, r4, #1\n" ENTRY(
          "56") "0: ldrd r8, r3, [sp, #20]\n" FIRST_GROUP1
                "ldr r7, [sp, #4]\n cbz r7, 3f\n"
                "ldrd r6, r7, [r0], #8\n ldrd r10, r11, [r1], #8\n"
                "smlad r4, r6, r10, r4\n smlad r4, r7, r11, r4\n sxtb16 r10, r10\n sxtb16 r11, r11\n"
                "smlad r5, r6, r10, r5\n smlad r5, r7, r11, r5\n"
                "3: bx r8\n"
                "1:\n .rept 8\n" TWO_GROUPS1
                ".endr\n subs r3, r3, #1\n bne.w 1b\n"
                "2: sub r4, r4, r5\n ldm r1!, {r6, r7, r8, r9}\n ldr r3, [sp, #8]\n ldr r2, [sp]\n" SCALE1(
                    "r5", "lsl #1", "r6", "r7")
                    SCALE1("r4", "asr #7", "r8",
                           "r9") "str r2, [sp]\n ldrd r0, r3, [sp, #12]\n cmp r2, r3\n bne.w 0b\n" EPILOGUE);
}

__attribute__((naked)) void mltk_one_sum(const uint32_t* x, const int32_t* packed, int32_t* sums,
                                         int32_t groups) {
  (void)x, (void)packed, (void)sums, (void)groups;
  __asm__ volatile(
      "push {r4-r11, lr}\n mov r4, #0\n mov r5, #0\n"
      "1: ldrd r6, r7, [r0], #8\n ldrd r10, r11, [r1], #8\n"
      "smlad r4, r6, r10, r4\n smlad r4, r7, r11, r4\n sxtb16 r10, r10\n sxtb16 r11, r11\n"
      "smlad r5, r6, r10, r5\n smlad r5, r7, r11, r5\n subs r3, r3, #1\n bne.n 1b\n"
      "sub r4, r4, r5\n asr r4, r4, #8\n strd r5, r4, [r2]\n pop {r4-r11, pc}\n");
}

#else /* The same in C, for tests on a host. */

static void sums_of(const uint32_t* x, int step, const int32_t* packed, int32_t* sums, int32_t groups) {
  int32_t both = 0, first = 0;
  for (int32_t i = 0; i < 2 * groups; ++i, x += step) {
    both = mltk_two_products(*x, (uint32_t)packed[i], both);
    first = mltk_two_products(*x, mltk_even_bytes((uint32_t)packed[i]), first);
  }
  sums[0] = first;
  sums[1] = (int32_t)((uint32_t)both - (uint32_t)first) >> 8;
}

static void scale(const int32_t* packed, int32_t twice, int32_t sum, int8_t* out) {
  const int by = packed[0] & 255;
  const int32_t doubled = (int32_t)((uint32_t)(packed[0] >> 8) + (uint32_t)sum) * 2;
  *out = mltk_scaled_twice(doubled, packed[1], twice * (1 << by), by);
}

static void pixels(int count, const uint32_t* x, const int32_t* packed, int8_t* out, const mltk_block* block,
                   int32_t pairs) {
  for (int32_t pair = 0; pair < pairs; ++pair, packed += 2 * block->groups + 4, out += 2) {
    for (int i = 0; i < count; ++i) {
      int32_t sums[2];
      sums_of(x + i, count, packed, sums, block->groups);
      scale(packed + 2 * block->groups, block->twice, sums[0], out + i * block->stride);
      scale(packed + 2 * block->groups + 2, block->twice, sums[1], out + i * block->stride + 1);
    }
  }
}

void mltk_three_pixels(const uint32_t* x, const int32_t* packed, int8_t* out, const mltk_block* block,
                       int32_t pairs) {
  pixels(3, x, packed, out, block, pairs);
}

void mltk_one_pixel(const uint32_t* x, const int32_t* packed, int8_t* out, const mltk_block* block,
                    int32_t pairs) {
  pixels(1, x, packed, out, block, pairs);
}

void mltk_three_sums(const uint32_t* x, const int32_t* packed, int32_t* sums, int32_t groups) {
  for (int i = 0; i < 3; ++i) sums_of(x + i, 3, packed, sums + 2 * i, groups);
}

void mltk_one_sum(const uint32_t* x, const int32_t* packed, int32_t* sums, int32_t groups) {
  sums_of(x, 1, packed, sums, groups);
}

#endif
#endif

/* So that the file is never empty. */
typedef int mltk_block_is_for_dsp;
