// The functions of maths.hpp against the same functions in long double: how far they may be off, in units in
// the last place of the result, is part of their definition.
#include "maths.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

namespace {

using Random = std::mt19937_64;

int failures = 0;

// Distance in units in the last place of the true value, or of 2^least if that is more.
double units_off(double value, long double truth, int least) {
  if (static_cast<double>(truth) == value || (std::isnan(value) && std::isnan(truth))) return 0;
  const auto near = std::fabs(static_cast<double>(truth));
  if (!std::isfinite(near) || !std::isfinite(value)) return HUGE_VAL;
  int exponent = 0;
  std::frexp(near, &exponent);
  return static_cast<double>(std::fabs(value - truth) / std::ldexp(1.0L, std::max(exponent - 53, least)));
}

template <class Value, class Truth, class Draw>
void compare(const char* name, double bound, Value value, Truth truth, Draw draw, int least = -1074) {
  Random random(7);
  double worst = 0;
  for (int i = 0; i < 50000; ++i) {
    const double x = draw(random), off = units_off(value(x), truth(x), least);
    if (off > bound && failures++ < 10) std::fprintf(stderr, "%s(%.17g) is %.2f units off\n", name, x, off);
    worst = std::max(worst, off);
  }
  std::printf("%-24s at most %.3f units off\n", name, worst);
}

auto between(double low, double high) {
  return [=](Random& random) { return std::uniform_real_distribution<double>(low, high)(random); };
}

/// Positive numbers of any size, subnormal ones included.
double any_size(Random& random) {
  return std::ldexp(std::uniform_real_distribution<double>(0.5, 1)(random),
                    std::uniform_int_distribution<int>(-1073, 1024)(random));
}

double tiny(Random& random) {
  return std::ldexp(std::uniform_real_distribution<double>(-1, 1)(random),
                    -std::uniform_int_distribution<int>(0, 60)(random));
}

double near_one(Random& random) { return 1 + 0.25 * tiny(random); }

double near_multiple_of_half_pi(Random& random) {
  return std::uniform_int_distribution<int>(-1000, 1000)(random) * 1.57079632679489661923 +
         0.1 * tiny(random);
}

void check(bool holds, const char* what) {
  if (!holds && failures++ < 10) std::fprintf(stderr, "%s does not hold\n", what);
}

void check_edges() {
  const double infinity = std::numeric_limits<double>::infinity();
  check(mltk::logarithm(0) == -infinity && std::isnan(mltk::logarithm(-1)), "logarithm at its limits");
  check(mltk::logarithm(infinity) == infinity && std::isnan(mltk::logarithm(NAN)), "logarithm of no number");
  check(mltk::exponential(1000) == infinity && mltk::exponential(-1000) == 0, "exponential at its limits");
  check(std::isnan(mltk::exponential(NAN)) && mltk::exponential(0) == 1, "exponential of 0 and of no number");
  check(mltk::power(0, 2) == 0 && mltk::power(0, 0) == 1 && mltk::power(0, -1) == infinity, "power of 0");
  check(mltk::square_root(0) == 0 && std::isnan(mltk::square_root(-1)), "square_root at its limits");
  check(mltk::square_root(infinity) == infinity && mltk::square_root(5e-324) > 0, "square_root of extremes");
  check(mltk::floor_of(-infinity) == -infinity && std::isnan(mltk::floor_of(NAN)), "floor_of no number");
  check(mltk::sine(0) == 0 && mltk::cosine(0) == 1 && std::isnan(mltk::sine(infinity)), "sine at its limits");
}

}  // namespace

int main() {
  using L = long double;
  const auto sine = [](double x) { return std::sin(L{x}); };
  const auto cosine = [](double x) { return std::cos(L{x}); };
  const auto logarithm = [](double x) { return std::log(L{x}); };
  compare("sine", 2, mltk::sine, sine, between(-10, 10));
  compare("sine, far", 2, mltk::sine, sine, between(-16777215, 16777215));
  compare("sine, near its zeros", 2, mltk::sine, sine, near_multiple_of_half_pi, -81);
  compare("cosine", 2, mltk::cosine, cosine, between(-10, 10));
  compare("cosine, far", 2, mltk::cosine, cosine, between(-16777215, 16777215));
  compare("cosine, near its zeros", 2, mltk::cosine, cosine, near_multiple_of_half_pi, -81);
  compare("logarithm", 2, mltk::logarithm, logarithm, any_size);
  compare("logarithm, near 1", 2, mltk::logarithm, logarithm, near_one);
  compare(
      "logarithm_of_one_plus", 4, mltk::logarithm_of_one_plus, [](double x) { return std::log1p(L{x}); },
      tiny);
  compare("exponential", 2, mltk::exponential, [](double x) { return std::exp(L{x}); }, between(-745, 709.7));
  compare("exponential, near 0", 2, mltk::exponential, [](double x) { return std::exp(L{x}); }, tiny);
  compare("square_root", 0.5, mltk::square_root, [](double x) { return std::sqrt(L{x}); }, any_size);
  compare("floor_of", 0, mltk::floor_of, [](double x) { return std::floor(L{x}); }, between(-1e6, 1e6));
  for (const double exponent : {-10.0, -0.95, 0.5, 3.0, 20.0}) {
    const double bound = 2 + 2 * std::fabs(exponent * std::log(1e-3));
    compare(
        "power", bound, [=](double x) { return mltk::power(x, exponent); },
        [=](double x) { return std::pow(L{x}, L{exponent}); }, between(1e-3, 1e3));
  }
  check_edges();
  return failures == 0 ? 0 : 1;
}
