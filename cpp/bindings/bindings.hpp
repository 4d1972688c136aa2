// Each part of the core registers itself with the one extension module.
#pragma once

#include <nanobind/nanobind.h>

void bind_frontend(nanobind::module_& module);
void bind_spectrum(nanobind::module_& module);
void bind_recogniser(nanobind::module_& module);
