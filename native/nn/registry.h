// The kinds of native modules, by name. A new kind is one class and one line in registry.cc.
#pragma once

#include <c10/core/TensorOptions.h>

#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/plan.h"

namespace torchwright {

// Makes a module whose parameters have the given dtype and device.
using Factory = std::shared_ptr<Module> (*)(const Plan&, const at::TensorOptions&);

std::vector<std::string> module_kinds();

// Throws ERR_ARGUMENT for a kind that is not registered.
std::shared_ptr<Module> make_module(const std::string& kind, const Plan& plan, const at::TensorOptions& options);

}  // namespace torchwright
