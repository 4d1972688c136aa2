// Model files that are cut off or changed give an error, never a read beyond the end. Run it with the
// sanitizers on.
#include "parameters.hpp"

#include <string>

#include "../board/framing.hpp"
#include "model_settings.hpp"
#include "read_file.hpp"
#include "runner_error.hpp"

int main(int count, char** paths) {
  Random random(4);
  int understood = 0, refused = 0;
  for (int i = 1; i < count; ++i) {
    const Bytes whole = mltk::read_file(paths[i]);
    REQUIRE(mltk::model_settings(mltk::read_parameters(whole)).classes.size() == 2);
    for (int turn = 0; turn < 3000; ++turn) {
      Bytes bytes = whole;
      if (random() % 3 == 0) bytes.resize(below(random, bytes.size()));
      for (size_t n = below(random, 6); n > 0 && !bytes.empty(); --n) {
        bytes[below(random, bytes.size())] = static_cast<uint8_t>(random());
      }
      try {
        mltk::model_settings(mltk::read_parameters(bytes));
        ++understood;
      } catch (const mltk::RunnerError& error) {
        REQUIRE(!std::string(error.what()).empty());
        ++refused;
      }
    }
  }
  REQUIRE(understood > 0 && refused > 0);
}
