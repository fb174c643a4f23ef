// Activation checkpointing: a layer whose inner activations are dropped and, in the backward pass, made once more.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "residual/layer.h"

namespace torchwright::residual {

// As `layer.forward`. Of the layer's tensors only its input and what later layers read stay in memory.
at::Tensor checkpointed(const std::shared_ptr<const DecoderLayer>& layer, const at::Tensor& h,
                        const at::Tensor& factors, Pass& pass);

}  // namespace torchwright::residual
