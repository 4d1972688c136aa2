// What the front end's parts share: the tables, and how a memory block is divided.
#pragma once

#include "bits.hpp"
#include "mltk/frontend.hpp"

namespace mltk {

constexpr int kWindowBits = 12;
constexpr int kFilterBits = 12;
constexpr int kNoiseBits = 14;
constexpr int kActivityBits = 8;
constexpr int kThresholdBits = 12;
constexpr int kLogBits = 16;
constexpr int kLogSegmentBits = 7;
constexpr uint32_t kLn2 = 45426;  // ln 2, Q16
constexpr int kPcanSnrBits = 12;
constexpr int kPcanOutputBits = 6;
constexpr int kPcanIntervals = 33;  // a 32-bit estimate has 0..32 significant bits

/// Twiddle factor, laid out so that each half is one 32-bit operand of a multiply-and-add-pairs instruction.
struct Twiddle {
  int16_t re, minus_im;
  int16_t im, re_again;
};

/// Quadratic segment of the PCAN gain curve over [2^(bits-1), 2^bits).
struct GainSegment {
  int16_t level, slope, curve;
};

/// Built in memory by `build_tables`, or constants that apps/tables has written; it names every
/// field, in this order.
struct FrontendTables {
  FrontendShape shape;
  int32_t half;                   // length of the complex FFT: fft_length / 2
  const int16_t* window;          // [shape.window], Q12
  const uint16_t* order;          // [half]: where the FFT wants each complex sample
  const Twiddle* twiddles;        // [half]
  const Twiddle* split_twiddles;  // [half / 2]
  int32_t first_bin;
  const uint16_t* segment_ends;  // [channels + 1]: bin after each segment of the filter bank
  const int16_t* weights;        // [half + 1], Q12: share of a bin that belongs to the band that falls there
  const int16_t* unweights;      // [half + 1], Q12: share of the band that rises there

  bool notch, activity, noise_reduction, pcan, log, dynamic_scale;
  int16_t notch_coefficient;  // Q15
  int32_t alpha_a, alpha_b;   // Q8
  int32_t arm, trip;          // Q12
  int32_t activity_shift;
  int32_t smoothing_bits;
  const uint32_t* smoothing;  // [channels], Q14
  uint32_t min_signal;        // Q14
  int32_t snr_shift;
  GainSegment gain[kPcanIntervals];
  int16_t gain_at_zero, gain_at_one;
  int32_t correction_bits;
  int32_t log_shift;
  int32_t log_segments[(1 << kLogSegmentBits)];  // (rise to the next segment) << 16 | offset at this one
  int32_t dynamic_range;
};

/// Hands out parts of a block; with a null base it only counts.
class Arena {
 public:
  explicit Arena(void* base) : base_(static_cast<unsigned char*>(base)) {}

  template <class T>
  T* take(size_t count) {
    used_ = (used_ + kFrontendAlignment - 1) / kFrontendAlignment * kFrontendAlignment;
    unsigned char* at = base_ == nullptr ? nullptr : base_ + used_;
    used_ += count * sizeof(T);
    return reinterpret_cast<T*>(at);
  }
  size_t used() const { return used_; }

 private:
  unsigned char* base_;
  size_t used_ = 0;
};

inline bool block_fits(const void* block, size_t bytes, size_t needed) {
  return block != nullptr && bytes >= needed && reinterpret_cast<uintptr_t>(block) % kFrontendAlignment == 0;
}

/// Where an FFT of `half` complex samples wants each: it divides by 4 as long as it can from the top, and by
/// 2 once at the bottom if it must, and with its input in this order every stage works in place.
void fill_fft_order(int half, uint16_t* order);

/// Number of significant bits: 0 for 0, 1 for 1, 16 for 32768.
inline int bit_length(uint32_t x) { return x == 0 ? 0 : 32 - leading_zeros(x); }

/// a * b for b < 2^16. A core that multiplies to 32 bits only would call a function for the whole product.
inline uint64_t product16(uint32_t a, uint32_t b) {
#ifdef __ARM_ARCH_6M__
  return (uint64_t{(a >> 16) * b} << 16) + (a & 0xFFFF) * b;
#else
  return uint64_t{a} * b;
#endif
}

}  // namespace mltk
