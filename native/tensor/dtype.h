// Names of element types, devices, layouts and memory formats, as JavaScript writes them.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

#include <string>

namespace torchwright {

// Throws ERR_DTYPE for a name that is none.
at::ScalarType parse_dtype(const std::string& name);
std::string dtype_name(at::ScalarType dtype);

// `cpu`, `cuda`, `cuda:1`. Throws ERR_DEVICE for a malformed name, or for CUDA where there is none.
at::Device parse_device(const std::string& name);
std::string device_name(const at::Device& device);

at::Layout parse_layout(const std::string& name);
std::string layout_name(at::Layout layout);
at::MemoryFormat parse_memory_format(const std::string& name);

}  // namespace torchwright
