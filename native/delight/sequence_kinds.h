// Attention and whole layers as kinds of modules: what they take time first, with masks, and step by step with caches.
#pragma once

#include "nn/registry.h"

namespace torchwright::delight {

std::shared_ptr<Module> make_attention(const Plan& plan, const at::TensorOptions& options);
std::shared_ptr<Module> make_encoder_layer(const Plan& plan, const at::TensorOptions& options);
std::shared_ptr<Module> make_decoder_layer(const Plan& plan, const at::TensorOptions& options);

}  // namespace torchwright::delight
