// A front end's tables as C++ source, for a device: constants that the linker puts into flash.
#pragma once

#include <memory>
#include <new>
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
  explicit BuiltTables(const Settings& settings) {
    const size_t bytes = tables_bytes(settings);
    block_.reset(::operator new(bytes, alignment()));
    const auto status = build_tables(settings, block_.get(), bytes, &tables_);
    if (static_cast<int>(status) != 0) throw RunnerError(describe(status));
  }
  const Tables& operator*() const { return *tables_; }

 private:
  static std::align_val_t alignment() { return std::align_val_t{kFrontendAlignment}; }
  struct Free {
    void operator()(void* block) const { ::operator delete(block, alignment()); }
  };

  std::unique_ptr<void, Free> block_;
  const Tables* tables_ = nullptr;
};

/// Writes source that defines `const TABLES mltk::NAME`.
void write_tables(std::ostream& out, const FrontendTables& tables, const std::string& name);
void write_tables(std::ostream& out, const SpectrumTables& tables, const std::string& name);

}  // namespace mltk
