// A front end's tables as C++ source, for a device: constants that the linker puts into flash.
#pragma once

#include <cstdlib>
#include <memory>
#include <ostream>
#include <string>

#include "runner_error.hpp"
#include "spectrum_tables.hpp"
#include "tables.hpp"

namespace mltk {

/// Tables in memory of their own. Throws RunnerError for settings that cannot be.
template <class Tables>
class BuiltTables {
 public:
  template <class Settings>
  explicit BuiltTables(const Settings& settings) : block_(nullptr, std::free) {
    const size_t bytes = tables_bytes(settings), unit = kFrontendAlignment;
    block_.reset(std::aligned_alloc(unit, (bytes / unit + 1) * unit));
    const auto status = build_tables(settings, block_.get(), bytes, &tables_);
    if (static_cast<int>(status) != 0) throw RunnerError(describe(status));
  }
  const Tables& operator*() const { return *tables_; }

 private:
  std::unique_ptr<void, void (*)(void*)> block_;
  const Tables* tables_ = nullptr;
};

/// Writes source that defines `const TABLES mltk::NAME`.
void write_tables(std::ostream& out, const FrontendTables& tables, const std::string& name);
void write_tables(std::ostream& out, const SpectrumTables& tables, const std::string& name);

}  // namespace mltk
