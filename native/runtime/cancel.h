// A flag that a running job looks at between its parts.
#pragma once

#include <atomic>
#include <memory>

#include "runtime/errors.h"

namespace torchwright {

class CancelFlag {
 public:
  void raise() { raised_->store(true, std::memory_order_relaxed); }
  bool raised() const { return raised_->load(std::memory_order_relaxed); }
  void check() const {
    if (raised()) throw Error(code::kAborted, "the operation was aborted");
  }

 private:
  std::shared_ptr<std::atomic<bool>> raised_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace torchwright
