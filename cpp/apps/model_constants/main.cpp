// model_constants: what a firmware knows of its model beside the net, as C++ source, from the parameters that
// the model carries; the host's programs read the same parameters by the same code.
//
//   model_constants MODEL.tflite FOLDER
//
// FOLDER gets model_constants.hpp (names, sizes, settings of pipeline and recogniser) and model_tables.cpp
// (the front end's tables, for flash). Errors go to stderr, with exit code 2.
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include "constants.hpp"
#include "parameters.hpp"
#include "read_file.hpp"
#include "runner_error.hpp"
#include "tables_source.hpp"

namespace {

using mltk::RunnerError;

// A file that is whole, or an error.
template <class Write>
void write_file(const std::string& path, Write write) {
  std::ofstream out(path, std::ios::binary);
  write(out);
  out.close();
  if (!out) throw RunnerError("cannot write " + path);
}

template <class FrontEnd>
mltk::ModelSizes write_front_end(const typename FrontEnd::Settings& settings, const std::string& path) {
  const mltk::BuiltTables<typename FrontEnd::Tables> tables(settings);
  write_file(path, [&](std::ostream& out) { mltk::write_tables(out, *tables, "model_tables"); });
  const auto& shape = mltk::shape_of(*tables);
  return {shape.columns, shape.channels, mltk::PipelineOf<FrontEnd>::bytes(*tables, {})};
}

void run(const std::string& model_path, const std::string& folder) {
  const auto model = mltk::read_file(model_path);
  const auto settings = mltk::model_settings(mltk::read_parameters(model));
  const std::string path = folder + "/model_tables.cpp";
  const auto* fixed = std::get_if<mltk::FrontendSettings>(&settings.frontend);
  const auto sizes = fixed != nullptr ? write_front_end<mltk::FixedFrontEnd>(*fixed, path)
                                      : write_front_end<mltk::FloatFrontEnd>(
                                            std::get<mltk::SpectrumSettings>(settings.frontend), path);
  write_file(folder + "/model_constants.hpp",
             [&](std::ostream& out) { mltk::write_constants(out, model, settings, sizes); });
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 3) throw RunnerError("usage: model_constants MODEL.tflite FOLDER");
  run(arguments[1], arguments[2]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "model_constants: %s\n", error.what());
  return 2;
}
