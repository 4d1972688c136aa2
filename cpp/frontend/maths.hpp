// Elementary functions in double precision, from the four operations alone: tables made with them are the
// same bits on every machine, and no maths library is needed. Compile with contraction off
// (-ffp-contract=off).
//
// Bounds, in units in the last place of the result, that tests/frontend/maths_test.cpp checks: 0.5 (correctly
// rounded) for square_root and floor_of, 2 for the others where nothing else is said.
#pragma once

#include <stdint.h>
#include <string.h>

namespace mltk {
namespace maths_detail {

#ifdef __FLT_EVAL_METHOD__
static_assert(__FLT_EVAL_METHOD__ == 0, "each step must be rounded to its own type");
#endif

constexpr int kMantissaBits = 52;
constexpr int kExponentBias = 1023;
constexpr double kInfinity = __builtin_huge_val();

// pi / 2 in three parts and ln 2 in two. All but the last have so few bits that their product with a whole
// number is exact.
constexpr double kHalfPiTop = 0x1.921fb5p+0, kHalfPiMiddle = 0x1.110b46p-26,
                 kHalfPiRest = 0x1.1a62633145c07p-54;
constexpr double kLn2Top = 0x1.62e42feep-1, kLn2Rest = 0x1.a39ef35793c76p-33;

inline uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits;
}

inline double from_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

/// 2^n for -1022 <= n <= 1023.
inline double two_to(int n) { return from_bits(static_cast<uint64_t>(n + kExponentBias) << kMantissaBits); }

/// x = mantissa * 2^exponent with 1 <= mantissa < 2, for finite x > 0.
struct Parts {
  double mantissa;
  int exponent;
};

inline Parts parts_of(double x) {
  int below = 0;
  if (x < two_to(-1022)) {  // subnormal
    x *= two_to(kMantissaBits);
    below = kMantissaBits;
  }
  const uint64_t bits = bits_of(x);
  const auto exponent = static_cast<int>(bits >> kMantissaBits) - kExponentBias;
  return {from_bits(bits - (static_cast<uint64_t>(exponent) << kMantissaBits)), exponent - below};
}

/// c[0] + c[1] z + c[2] z^2 ...
template <int N>
inline double polynomial(const double (&c)[N], double z) {
  double sum = c[N - 1];
  for (int i = N - 2; i >= 0; --i) sum = sum * z + c[i];
  return sum;
}

/// sin(r) for |r| <= pi / 4, by its Taylor series up to r^17.
inline double sine_near_zero(double r) {
  constexpr double c[] = {-1.0 / 6,        1.0 / 120,        -1.0 / 5040,          1.0 / 362880,
                          -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000};
  const double z = r * r;
  return r + r * z * polynomial(c, z);
}

/// cos(r) for |r| <= pi / 4, by its Taylor series up to r^18.
inline double cosine_near_zero(double r) {
  constexpr double c[] = {1.0 / 24,        -1.0 / 720,         1.0 / 40320,          -1.0 / 3628800,
                          1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000, -1.0 / 6402373705728000};
  const double z = r * r;
  return (1 - 0.5 * z) + z * z * polynomial(c, z);
}

/// sin(x + quarters * pi / 2), where |x| < 2^24.
inline double sine_from(double x, int64_t quarters) {
  const double scaled = x / kHalfPiTop;
  const auto turns = static_cast<int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
  const auto n = static_cast<double>(turns);
  const double top = x - n * kHalfPiTop, middle = n * kHalfPiMiddle;
  const double r = top - middle;
  const double rest = ((top - r) - middle) - n * kHalfPiRest;
  const int64_t quadrant = (turns + quarters) & 3;
  const double value = quadrant % 2 == 0 ? sine_near_zero(r + rest) : cosine_near_zero(r + rest);
  return quadrant < 2 ? value : -value;
}

}  // namespace maths_detail

constexpr double kPi = 3.14159265358979323846;

/// The largest whole number not above x.
inline double floor_of(double x) {
  if (!(x > -4503599627370496.0 && x < 4503599627370496.0)) return x;  // from 2^52 every double is whole
  const auto whole = static_cast<double>(static_cast<int64_t>(x));
  return whole > x ? whole - 1 : whole;
}

/// sin(x) for |x| < 2^24, not a number beyond; near a zero other than 0 within 2^-80 or 2 units, whichever is
/// more.
inline double sine(double x) {
  return x > -16777216.0 && x < 16777216.0 ? maths_detail::sine_from(x, 0) : __builtin_nan("");
}

/// cos(x), as sine.
inline double cosine(double x) {
  return x > -16777216.0 && x < 16777216.0 ? maths_detail::sine_from(x, 1) : __builtin_nan("");
}

/// ln x: minus infinity for 0, not a number below.
inline double logarithm(double x) {
  using namespace maths_detail;
  if (!(x > 0)) return x == 0 ? -kInfinity : __builtin_nan("");
  if (x == kInfinity) return x;
  Parts parts = parts_of(x);
  if (parts.mantissa > 1.4142135623730951) {
    parts.mantissa *= 0.5;
    parts.exponent += 1;
  }
  // With f = m - 1 and s = f / (2 + f): ln m = 2 atanh s = f - f^2 / 2 + s (f^2 / 2 + 2 s^2 / 3 + 2 s^4 / 5
  // ...), where f is exact and leads.
  constexpr double c[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                          2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23, 2.0 / 25};
  const double f = parts.mantissa - 1, s = f / (2 + f), z = s * s, half = 0.5 * f * f;
  const auto n = static_cast<double>(parts.exponent);
  return n * kLn2Top - ((half - (s * (half + z * polynomial(c, z)) + n * kLn2Rest)) - f);
}

/// ln(1 + x), also for an x so small that 1 + x keeps few of its bits; 4 units in the last place.
inline double logarithm_of_one_plus(double x) {
  const double sum = 1 + x;
  if (!(sum > 0) || sum == maths_detail::kInfinity) return logarithm(sum);
  const double lost = x > 1 ? 1 - (sum - x) : x - (sum - 1);
  return logarithm(sum) + lost / sum;
}

/// e^x: infinity above 709.8, 0 below -745.2; 2 units in the last place, or of the smallest number.
inline double exponential(double x) {
  using namespace maths_detail;
  if (!(x < 709.79)) return x != x ? x : kInfinity;
  if (x < -745.2) return 0;
  constexpr double c[] = {1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,
                          1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
                          1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
  const auto n = static_cast<int>(x / 0.6931471805599453 + (x < 0 ? -0.5 : 0.5));
  const double top = x - n * kLn2Top, r = top - n * kLn2Rest;
  const double rest = (top - r) - n * kLn2Rest;
  const double value = 1 + (r + (r * r * polynomial(c, r) + rest));
  const int half = n / 2;  // 2^n alone may be too small or too large
  return value * two_to(half) * two_to(n - half);
}

/// x^y for x >= 0; 2 + 2 |y ln x| units in the last place. Not a number for x < 0.
inline double power(double x, double y) { return y == 0 ? 1.0 : exponential(y * logarithm(x)); }

/// The square root, correctly rounded; not a number below 0.
inline double square_root(double x) {
  using namespace maths_detail;
  if (!(x > 0) || x == kInfinity) return x >= 0 ? x : __builtin_nan("");
  const Parts parts = parts_of(x);
  const int odd = parts.exponent & 1;
  const auto whole = static_cast<uint64_t>(parts.mantissa * two_to(kMantissaBits));
  // Digit by digit, 53 digits and one to round by: `rest` is what the digits so far leave, shifted up.
  uint64_t rest = whole << (odd + 1), root = 0, twice = 0;
  for (uint64_t digit = uint64_t{1} << (kMantissaBits + 1); digit != 0; digit >>= 1) {
    if (twice + digit <= rest) {
      rest -= twice + digit;
      twice += 2 * digit;
      root += digit;
    }
    rest <<= 1;
  }
  return static_cast<double>((root + 1) >> 1) * two_to((parts.exponent - odd) / 2 - kMantissaBits);
}

}  // namespace mltk
