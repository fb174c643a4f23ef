// Precompiled: the headers that nearly every translation unit needs, and that take longest to parse.
#pragma once

#include <napi.h>
#include <torch/torch.h>
