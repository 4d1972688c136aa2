#include "bindings.hpp"

NB_MODULE(_native, module) {
  module.doc() = "The compiled core of mltk_like: front ends and recogniser.";
  bind_frontend(module);
  bind_spectrum(module);
  bind_recogniser(module);
}
