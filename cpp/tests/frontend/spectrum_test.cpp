// Any settings and any samples give an error code or a result, the same on both paths however the samples are
// cut. Run it with the sanitizers on (MLTK_SANITIZE): they catch what the comparisons cannot.
#include "mltk/spectrum.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

#include "random_settings.hpp"
#include "spectrum_bits.hpp"
#include "spectrum_root.hpp"

namespace {

// Values of any size and kind, so most blocks are refused.
mltk::SpectrumSettings any_bits(Random& random) {
  mltk::SpectrumSettings s;
  const float odd[] = {0.0f,
                       -1.0f,
                       1e30f,
                       -1e30f,
                       0.5f,
                       1e-38f,
                       std::numeric_limits<float>::quiet_NaN(),
                       std::numeric_limits<float>::infinity()};
  const int32_t whole[] = {0, -1, 1, 2, 32, 1000, 20000, INT32_MAX, INT32_MIN};
  for (int32_t* field : fields_of<int32_t>(s)) {
    if (pick(random, 0, 9) == 0) *field = whole[pick(random, 0, 8)];
    if (pick(random, 0, 39) == 0) *field = static_cast<int32_t>(random());
  }
  for (float* field : fields_of<float>(s)) {
    if (pick(random, 0, 19) == 0) *field = odd[pick(random, 0, 7)];
    const auto bits = static_cast<uint32_t>(random());
    if (pick(random, 0, 39) == 0) std::memcpy(field, &bits, sizeof(bits));
  }
  s.sample_scale = static_cast<mltk::SampleScale>(pick(random, 0, 2));
  s.window_function = static_cast<mltk::WindowFunction>(pick(random, 0, 2));
  s.filterbank_scale = static_cast<mltk::FilterbankScale>(pick(random, 0, 3));
  s.filterbank_triangles = static_cast<mltk::FilterbankTriangles>(pick(random, 0, 2));
  s.log = static_cast<mltk::SpectrumLog>(pick(random, 0, 4));
  return s;
}

// So many numbers, of which some are now and then none that a front end can use.
mltk::FeatureValues some_values(Random& random, std::vector<float>& kept, int32_t count, float low,
                                float high) {
  kept.resize(count);
  for (float& value : kept) value = real(random, low, high);
  if (count > 0 && pick(random, 0, 19) == 0) kept[pick(random, 0, count - 1)] = std::nanf("");
  return {kept.data(), count};
}

// Settings over the whole allowed range, so most are accepted.
mltk::SpectrumSettings plausible(Random& random, std::vector<float>& means, std::vector<float>& stds) {
  mltk::SpectrumSettings s;
  s.sample_rate_hz = pick(random, 0, 3) == 0 ? pick(random, 1000, 192000) : 16000;
  s.sample_length_ms = 2000;
  s.window_size_ms = pick(random, 1, 200);
  s.window_step_ms = pick(random, 1, s.window_size_ms);
  s.sample_scale = static_cast<mltk::SampleScale>(pick(random, 0, 1));
  if (pick(random, 0, 1) == 0) s.pre_emphasis = real(random, 0.0f, 1.0f);
  s.remove_mean = pick(random, 0, 1) == 0;
  s.window_function = static_cast<mltk::WindowFunction>(pick(random, 0, 1));
  s.window_periodic = pick(random, 0, 1) == 0;
  s.power = pick(random, 1, 2);
  s.filterbank_scale = static_cast<mltk::FilterbankScale>(pick(random, 0, 2));
  s.filterbank_triangles = static_cast<mltk::FilterbankTriangles>(pick(random, 0, 1));
  s.filterbank_normalize = pick(random, 0, 1) == 0;
  s.filterbank_n_channels = pick(random, 1, pick(random, 0, 3) == 0 ? 200 : 30);
  s.filterbank_lower_band_limit = real(random, 0.0f, 200.0f);
  s.filterbank_upper_band_limit =
      pick(random, 0, 1) == 0 ? s.sample_rate_hz / 2.0f : real(random, 400.0f, s.sample_rate_hz / 2.0f);
  s.log = static_cast<mltk::SpectrumLog>(pick(random, 0, 3));
  s.log_floor = std::exp(real(random, -60.0f, 20.0f));
  s.mfcc_count = pick(random, 0, 1) == 0 ? 0 : pick(random, 1, s.filterbank_n_channels);
  s.mfcc_first = pick(random, 0, 2) == 0 ? 1 : 0;
  s.cascade = pick(random, 0, 1) == 0 ? 1 : pick(random, 1, 12);
  s.cascade_slide = pick(random, 0, 1) == 0;
  s.mean = real(random, -100.0f, 100.0f);
  s.std = real(random, 0.001f, 100.0f);
  const int32_t features = s.mfcc_count > 0 ? s.mfcc_count : s.filterbank_n_channels;
  const int32_t given = features + (pick(random, 0, 9) == 0 ? 1 : 0);
  if (pick(random, 0, 1) == 0) s.means = some_values(random, means, given, -100.0f, 100.0f);
  if (pick(random, 0, 1) == 0) s.stds = some_values(random, stds, features, 0.001f, 100.0f);
  s.scale_minimum = real(random, -1e6f, 0.0f);
  s.scale_maximum = real(random, 1.0f, 1e6f);
  return s;
}

std::vector<int16_t> any_samples(Random& random, size_t count) {
  std::vector<int16_t> samples(count);
  const int kind = pick(random, 0, 3);
  const int32_t limit = kind == 0 ? 32767 : pick(random, 0, kind == 1 ? 2 : 32767);
  for (auto& sample : samples) {
    const bool extreme = kind == 0 || pick(random, 0, 99) == 0;
    sample = static_cast<int16_t>(extreme ? (pick(random, 0, 1) != 0 ? 32767 : -32768)
                                          : pick(random, -limit, limit));
  }
  return samples;
}

std::vector<float> run(Random& random, const mltk::SpectrumTables& tables, mltk::FrontendPath path,
                       const std::vector<int16_t>& samples, bool in_pieces) {
  const size_t bytes = mltk::stream_bytes(tables, path);
  Block block = make_block(bytes);
  std::memset(block.get(), 0xA5, bytes);
  mltk::SpectrumStream* stream = nullptr;
  REQUIRE(mltk::open_stream(tables, path, block.get(), bytes - 1, &stream) == mltk::SpectrumStatus::kMemory);
  REQUIRE(mltk::open_stream(tables, path, block.get(), bytes, &stream) == mltk::SpectrumStatus::kOk);
  const size_t channels = mltk::shape_of(tables).channels;
  std::vector<float> columns;
  for (size_t at = 0; at < samples.size();) {
    const size_t left = samples.size() - at;
    const size_t count = in_pieces ? 1 + random() % left : left;
    std::vector<float> part(mltk::columns_after(*stream, count) * channels);
    REQUIRE(mltk::process(*stream, samples.data() + at, count, part.data()) * channels == part.size());
    columns.insert(columns.end(), part.begin(), part.end());
    at += count;
  }
  return columns;
}

// Bit for bit: -0 and 0 are not the same.
bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

bool try_settings(Random& random, const mltk::SpectrumSettings& settings) {
  mltk::SpectrumShape shape;
  const mltk::SpectrumStatus status = mltk::check(settings, &shape);
  const size_t bytes = mltk::tables_bytes(settings);
  const mltk::SpectrumTables* tables = nullptr;
  if (status != mltk::SpectrumStatus::kOk) {
    REQUIRE(bytes == 0);
    REQUIRE(mltk::build_tables(settings, nullptr, 0, &tables) == status);
    REQUIRE(std::strlen(mltk::describe(status)) > 0);
    return false;
  }
  Block block = make_block(bytes);
  REQUIRE(mltk::build_tables(settings, block.get(), bytes - 1, &tables) == mltk::SpectrumStatus::kMemory);
  REQUIRE(mltk::build_tables(settings, block.get(), bytes, &tables) == mltk::SpectrumStatus::kOk);
  const auto samples = any_samples(random, pick(random, 0, 40 * shape.hop + shape.window));
  const auto whole = run(random, *tables, mltk::FrontendPath::kFastest, samples, false);
  REQUIRE(same(whole, run(random, *tables, mltk::FrontendPath::kFastest, samples, true)));
  REQUIRE(same(whole, run(random, *tables, mltk::FrontendPath::kPortable, samples, true)));
  for (float value : whole) REQUIRE(std::isfinite(value));
  std::vector<int8_t> quantised(whole.size());
  mltk::quantise(*tables, whole.data(), whole.size(), quantised.data());
  return true;
}

void try_roots(Random& random) {
  for (int i = 0; i < 300000; ++i) {
    uint32_t bits = static_cast<uint32_t>(random()) & 0x7FFFFFFFu;
    if (i % 8 == 0) bits &= 0x7FFFFFu;  // subnormal
    if (bits >= 0x7F800000u) continue;
    float x;
    std::memcpy(&x, &bits, sizeof(x));
    REQUIRE(mltk::root_in_integers(x) == std::sqrt(x));
    REQUIRE(mltk::exact_root(x) == std::sqrt(x));
  }
}

void try_odd_values_of_quantise() {
  const mltk::SpectrumSettings settings;  // -80 to 20
  const size_t bytes = mltk::tables_bytes(settings);
  Block block = make_block(bytes);
  const mltk::SpectrumTables* tables = nullptr;
  REQUIRE(mltk::build_tables(settings, block.get(), bytes, &tables) == mltk::SpectrumStatus::kOk);
  const float infinity = std::numeric_limits<float>::infinity();
  const float values[] = {-80.0f,   20.0f,     -infinity, infinity, std::numeric_limits<float>::quiet_NaN(),
                          -79.805f, -79.8038f, -1e30f,    1e30f};
  const int8_t expected[] = {-128, 127, -128, 127, -128, -128, -127, -128, 127};
  int8_t out[sizeof(expected)];
  mltk::quantise(*tables, values, sizeof(expected), out);
  REQUIRE(std::memcmp(out, expected, sizeof(expected)) == 0);
}

// Each value by its own mean and deviation is what the same mean and deviation for all make of that value.
void try_a_scale_for_each_value(Random& random) {
  const float means[] = {-7.5f, 0.0f, 3.25f}, stds[] = {0.4f, 12.0f, 1.5f};
  const auto samples = any_samples(random, 4000);
  const auto columns = [&](const mltk::SpectrumSettings& settings) {
    const size_t bytes = mltk::tables_bytes(settings);
    Block block = make_block(bytes);
    const mltk::SpectrumTables* tables = nullptr;
    REQUIRE(mltk::build_tables(settings, block.get(), bytes, &tables) == mltk::SpectrumStatus::kOk);
    return run(random, *tables, mltk::FrontendPath::kPortable, samples, false);
  };
  mltk::SpectrumSettings each;
  each.mfcc_count = 3;
  each.means = {means, 3};
  each.stds = {stds, 3};
  const auto found = columns(each);
  REQUIRE(!found.empty());
  for (size_t value = 0; value < 3; ++value) {
    mltk::SpectrumSettings alike;
    alike.mfcc_count = 3;
    alike.mean = means[value];
    alike.std = stds[value];
    const auto expected = columns(alike);
    REQUIRE(expected.size() == found.size());
    for (size_t i = value; i < found.size(); i += 3) REQUIRE(found[i] == expected[i]);
  }
  each.stds.count = 2;
  mltk::SpectrumShape shape;
  REQUIRE(mltk::check(each, &shape) == mltk::SpectrumStatus::kScale);
}

void try_bits() {
  for (int i = 0; i < mltk::kBlocksOfSettings; ++i) {
    const size_t bytes = 1 << 17;
    Block tables = make_block(bytes), stream = make_block(bytes);
    const uint32_t bits =
        mltk::spectrum_bits(mltk::settings_for_bits(i), tables.get(), bytes, stream.get(), bytes);
    REQUIRE(bits == mltk::kExpectedBits[i]);
  }
}

}  // namespace

int main() {
  Random random(20240229);
  try_roots(random);
  try_odd_values_of_quantise();
  try_a_scale_for_each_value(random);
  try_bits();
  int accepted = 0;
  for (int i = 0; i < 400; ++i) accepted += try_settings(random, any_bits(random));
  for (int i = 0; i < 400; ++i) {
    std::vector<float> means, stds;
    accepted += try_settings(random, plausible(random, means, stds));
  }
  std::printf("%d of 800 settings accepted\n", accepted);
  REQUIRE(accepted > 150 && accepted < 700);
  return 0;
}
