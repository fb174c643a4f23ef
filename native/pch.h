// Precompiled: what nearly every translation unit needs, and what takes longest to parse. Kept small: each unit loads
// all of it.
#pragma once

#include <ATen/core/Tensor.h>
#include <napi.h>
#include <torch/nn/module.h>
