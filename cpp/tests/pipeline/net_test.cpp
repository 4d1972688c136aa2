// What of a window goes into a net with a state of its own, and what its outputs mean.
#include "mltk/net.hpp"

#include <cstring>
#include <vector>

#include "../testing.hpp"

namespace {

using mltk::NetValue;

// A stream of rows; windows of `rows` that end at random rows are put together again from what goes in.
void continues(Random& random) {
  const size_t row = 1 + random() % 5, rows = 2 + random() % 6, window = row * rows;
  std::vector<int8_t> stream(row * 200);
  for (int8_t& value : stream) value = static_cast<int8_t>(random());
  std::vector<int8_t> heard;
  const int8_t* last = nullptr;
  for (size_t end = rows; end < 200; end += 1 + random() % (2 * rows)) {
    const int8_t* now = stream.data() + end * row - window;
    const size_t fresh = mltk::new_bytes(now, last, window, row);
    REQUIRE(fresh % row == 0 && fresh > 0 && fresh <= window);
    if (last != nullptr && now < last + window) REQUIRE(fresh == static_cast<size_t>(now - last));
    heard.insert(heard.end(), now + window - fresh, now + window);
    REQUIRE(std::memcmp(heard.data() + heard.size() - window, now, window) == 0);
    last = now;
  }
  REQUIRE(mltk::new_bytes(stream.data(), stream.data() + row, window, window) == window);
}

void types() {
  const int8_t values[] = {-128, -1, 0, 127};
  uint8_t input[4];
  mltk::fill_input(values, 4, NetValue::kInt8, input);
  REQUIRE(std::memcmp(input, values, 4) == 0);
  mltk::fill_input(values, 4, NetValue::kUint8, input);
  REQUIRE(input[0] == 0 && input[1] == 127 && input[2] == 128 && input[3] == 255);
  uint8_t scores[3];
  const int8_t whole[] = {-128, 0, 127};
  mltk::scores_of(whole, NetValue::kInt8, 3, scores);
  REQUIRE(scores[0] == 0 && scores[1] == 128 && scores[2] == 255);
  mltk::scores_of(input, NetValue::kUint8, 3, scores);
  REQUIRE(std::memcmp(scores, input, 3) == 0);
  const float real[] = {-0.5f, 0.5f, 1.0f};
  mltk::scores_of(real, NetValue::kFloat32, 3, scores);
  REQUIRE(scores[0] == 0 && scores[1] == 127 && scores[2] == 255);
}

}  // namespace

int main() {
  Random random(7);
  for (int turn = 0; turn < 200; ++turn) continues(random);
  types();
  return 0;
}
