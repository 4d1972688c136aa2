#include "bindings.hpp"

NB_MODULE(_native, module) {
  module.doc() = "The compiled core of mltk_like: front end and recogniser.";
  bind_frontend(module);
  bind_recogniser(module);
}
