// What was not a finite number in a step, and where.
#pragma once

#include <string>

#include "nn/module.h"

namespace torchwright::train {

struct NonFinite {
  // A weight, which makes all that follows from it as bad; the loss; or a gradient alone.
  const char* what;
  // Of the first parameter, in the module's order, whose own numbers are at fault: the weight, or the gradient. Empty
  // where each gradient is finite, and only all of them together are too large for their norm to be a number.
  std::string parameter;
};

// Looks through a module, of whose step loss or gradients are known not to be finite.
NonFinite find_non_finite(const Module& module, double loss);

}  // namespace torchwright::train
