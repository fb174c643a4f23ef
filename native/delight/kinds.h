// The layers and models as kinds of native modules: their names in nn/registry.cc, their methods, their plans.
#pragma once

#include "nn/registry.h"

namespace torchwright::delight {

// Every kind of this family, by name. Layers take sequences time first: [T, B, C].
const std::vector<std::pair<std::string, Factory>>& kinds();

}  // namespace torchwright::delight
