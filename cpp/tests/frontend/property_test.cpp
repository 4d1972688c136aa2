// Any settings and any samples give an error code or a result, the same on both paths however the samples are
// cut. Run it with the sanitizers on (MLTK_SANITIZE): they catch what the comparisons cannot.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "random_settings.hpp"

namespace {

// A share of the fields gets random bytes; a bool has no others than 0 and 1.
void scramble(Random& random, int percent, mltk::FrontendSettings& s) {
  const auto overwrite = [&](void* field) {
    const auto bits = static_cast<uint32_t>(random());
    if (pick(random, 0, 99) < percent) std::memcpy(field, &bits, sizeof(bits));
  };
  for (int32_t* field : fields_of<int32_t>(s)) overwrite(field);
  for (float* field : fields_of<float>(s)) overwrite(field);
  for (bool* field : fields_of<bool>(s)) *field = pick(random, 0, 1) != 0;
}

// The defaults with some values at the edges of their types and ranges.
mltk::FrontendSettings odd_values(Random& random) {
  mltk::FrontendSettings s;
  const float odd[] = {0.0f,
                       -1.0f,
                       1e30f,
                       -1e30f,
                       0.5f,
                       1e-30f,
                       std::numeric_limits<float>::quiet_NaN(),
                       std::numeric_limits<float>::infinity()};
  const int32_t whole[] = {0, -1, 1, 32, 1000, 20000, INT32_MAX, INT32_MIN};
  for (int32_t* field : fields_of<int32_t>(s)) {
    if (pick(random, 0, 9) == 0) *field = whole[pick(random, 0, 7)];
  }
  for (float* field : fields_of<float>(s)) {
    if (pick(random, 0, 19) == 0) *field = odd[pick(random, 0, 7)];
  }
  return s;
}

// Settings over the whole allowed range, so most are accepted.
mltk::FrontendSettings plausible(Random& random) {
  mltk::FrontendSettings s;
  s.sample_rate_hz = pick(random, 0, 3) == 0 ? pick(random, 1000, 192000) : 16000;
  s.sample_length_ms = 2000;
  s.window_size_ms = pick(random, 1, 200);
  s.window_step_ms = pick(random, 1, s.window_size_ms);
  s.filterbank_n_channels = pick(random, 1, pick(random, 0, 3) == 0 ? 512 : 64);
  s.filterbank_lower_band_limit = real(random, 0.0f, 200.0f);
  s.filterbank_upper_band_limit =
      pick(random, 0, 3) == 0 ? s.sample_rate_hz / 2.0f : real(random, 400.0f, s.sample_rate_hz / 2.0f);
  s.noise_reduction_enable = pick(random, 0, 3) != 0;
  s.noise_reduction_smoothing_bits = pick(random, 0, 16);
  s.noise_reduction_even_smoothing = real(random, 0.0f, 1.0f);
  s.noise_reduction_min_signal_remaining = real(random, 0.0f, 1.0f);
  s.pcan_enable = pick(random, 0, 1) == 0;
  s.pcan_strength = real(random, 0.0f, 10.0f);
  s.pcan_offset = real(random, 0.001f, 200.0f);
  s.pcan_gain_bits = pick(random, 10, 31);
  s.log_scale_enable = pick(random, 0, 3) != 0;
  s.log_scale_shift = pick(random, 0, 11);
  s.activity_detection_enable = pick(random, 0, 1) == 0;
  s.activity_detection_arm_threshold = real(random, 0.0f, 7.99f);
  s.activity_detection_trip_threshold = real(random, 0.0f, 7.99f);
  s.dc_notch_filter_enable = pick(random, 0, 1) == 0;
  s.dc_notch_filter_coefficient = real(random, 0.0f, 0.999f);
  s.quantize_dynamic_scale_enable = pick(random, 0, 1) == 0;
  s.quantize_dynamic_scale_range_db = real(random, 1.0f, 200.0f);
  return s;
}

// Noise with extremes, extremes alone, a constant, or a square wave; the latter two at any level.
std::vector<int16_t> any_samples(Random& random, size_t count) {
  std::vector<int16_t> samples(count);
  const int kind = pick(random, 0, 4), period = pick(random, 1, 500);
  const int32_t limit = pick(random, 0, 1) != 0 ? 32767 : pick(random, 0, 32767);
  const auto level = static_cast<int16_t>(pick(random, -limit - 1, limit));
  for (size_t i = 0; i < count; ++i) {
    const bool high = kind == 3 ? true : kind == 4 ? i / period % 2 == 0 : pick(random, 0, 1) != 0;
    const bool extreme = kind == 0 || pick(random, 0, 99) == 0;
    const int32_t noise = extreme ? (high ? 32767 : -32768) : pick(random, -limit, limit);
    samples[i] = static_cast<int16_t>(kind < 3 ? noise : high ? level : -1 - level);
  }
  return samples;
}

// The columns, then one value that says whether activity was detected.
std::vector<uint16_t> run(Random& random, const mltk::FrontendTables& tables, mltk::FrontendPath path,
                          const std::vector<int16_t>& samples, bool in_pieces) {
  const size_t bytes = mltk::stream_bytes(tables, path);
  Block block = make_block(bytes);
  std::memset(block.get(), 0xA5, bytes);
  mltk::FrontendStream* stream = nullptr;
  REQUIRE(mltk::open_stream(tables, path, block.get(), bytes - 1, &stream) == mltk::FrontendStatus::kMemory);
  REQUIRE(mltk::open_stream(tables, path, block.get(), bytes, &stream) == mltk::FrontendStatus::kOk);
  const size_t channels = mltk::shape_of(tables).channels;
  std::vector<uint16_t> columns;
  for (size_t at = 0; at < samples.size();) {
    const size_t left = samples.size() - at;
    const size_t count = in_pieces ? 1 + random() % left : left;
    std::vector<uint16_t> part(mltk::columns_after(*stream, count) * channels);
    REQUIRE(mltk::process(*stream, samples.data() + at, count, part.data()) * channels == part.size());
    columns.insert(columns.end(), part.begin(), part.end());
    at += count;
  }
  columns.push_back(mltk::take_activity(*stream));
  REQUIRE(!mltk::take_activity(*stream));
  return columns;
}

bool try_settings(Random& random, const mltk::FrontendSettings& settings) {
  mltk::FrontendShape shape;
  const mltk::FrontendStatus status = mltk::check(settings, &shape);
  const size_t bytes = mltk::tables_bytes(settings);
  const mltk::FrontendTables* tables = nullptr;
  if (status != mltk::FrontendStatus::kOk) {
    REQUIRE(bytes == 0);
    REQUIRE(mltk::build_tables(settings, nullptr, 0, &tables) == status);
    REQUIRE(std::strlen(mltk::describe(status)) > 0);
    return false;
  }
  Block block = make_block(bytes);
  REQUIRE(mltk::build_tables(settings, block.get(), bytes - 1, &tables) == mltk::FrontendStatus::kMemory);
  REQUIRE(mltk::build_tables(settings, block.get(), bytes, &tables) == mltk::FrontendStatus::kOk);
  const size_t count = pick(random, 0, 40 * shape.step + shape.window);
  const auto samples = any_samples(random, count);
  const auto whole = run(random, *tables, mltk::FrontendPath::kFastest, samples, false);
  REQUIRE(whole == run(random, *tables, mltk::FrontendPath::kFastest, samples, true));
  REQUIRE(whole == run(random, *tables, mltk::FrontendPath::kPortable, samples, true));
  std::vector<int8_t> quantised(whole.size());
  mltk::quantise(*tables, whole.data(), whole.size(), quantised.data());
  return true;
}

}  // namespace

// The number of settings of each kind may be given.
int main(int argc, char** argv) {
  const int each = argc > 1 ? std::atoi(argv[1]) : 200;
  Random random(20231109);
  int accepted[4] = {};
  for (int i = 0; i < each; ++i) {
    mltk::FrontendSettings bytes, partly = plausible(random);
    scramble(random, 100, bytes);
    scramble(random, 3, partly);
    accepted[0] += try_settings(random, bytes);
    accepted[1] += try_settings(random, odd_values(random));
    accepted[2] += try_settings(random, partly);
    accepted[3] += try_settings(random, plausible(random));
  }
  std::printf("accepted of %d each: random bytes %d, odd values %d, some random bytes %d, plausible %d\n",
              each, accepted[0], accepted[1], accepted[2], accepted[3]);
  for (int kind = 1; kind < 4; ++kind) REQUIRE(accepted[kind] * 10 > each);
  REQUIRE(accepted[3] < each);
  return 0;
}
