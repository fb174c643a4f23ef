// Activation checkpointing: a part of a model keeps nothing for its backward pass but its inputs, and is run once more
// there. The graph is the one that there would be without it, so every gradient is the same to the bit.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <functional>
#include <vector>

namespace torchwright {

using Segment = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;

// `run(inputs)`. What else `run` reads must need no gradient, or be a parameter of `module`, whose memory stays anyway.
// In the backward pass it runs again under the autocast and on the random numbers of the first time. An undefined
// tensor may stand among the inputs. The backward pass throws ERR_AUTOGRAD where the module has been changed since:
// another mode, or other weights.
at::Tensor checkpointed(const torch::nn::Module& module, std::vector<at::Tensor> inputs, Segment run);

}  // namespace torchwright
