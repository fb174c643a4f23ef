// Libtorch's engine with what JavaScript adds to it, as Python's own does: where nodes were made (anomaly detection),
// and hooks of saved tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace torchwright {

// Puts the engine in place of libtorch's plain one. Once for the process, before anything is differentiated.
void install_engine();

// Makes every node below these tensors refuse gradients that are not numbers.
void check_for_nan(const std::vector<at::Tensor>& roots);

}  // namespace torchwright
