// CUDA without CUDA at build time: libtorch's CUDA library is opened at run time where the libtorch at hand has it.
#pragma once

#include <string>

namespace torchwright {

// Opens the library at the first call. 0 when it is not there, does not open, or finds no device.
int cuda_device_count();

// Whether the library has been opened and has found a device. Opens nothing.
bool cuda_is_open();

// Why there is no CUDA device, for messages.
std::string cuda_absence();

}  // namespace torchwright
