// log(sum(exp(x))) of a row of scores.
#pragma once

#include <cstdint>

namespace torchwright {

float log_sum(const float* x, int64_t size);

}  // namespace torchwright
