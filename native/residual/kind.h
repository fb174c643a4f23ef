// The kind `residual-llama` of the registry.
#pragma once

#include <c10/core/TensorOptions.h>

#include <memory>

#include "nn/module.h"
#include "nn/plan.h"

namespace torchwright::residual {

// Throws ERR_CONFIG for a plan that cannot be. The plan's keys are those that Config::from reads.
std::shared_ptr<Module> make_llama(const Plan& plan, const at::TensorOptions& options);

}  // namespace torchwright::residual
