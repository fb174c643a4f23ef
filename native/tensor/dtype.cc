#include "tensor/dtype.h"

#include <array>
#include <string_view>
#include <utility>

#include "runtime/errors.h"
#include "tensor/cuda.h"

namespace torchwright {

namespace {

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 18> kDtypes = {{
    {"float32", at::kFloat},
    {"float64", at::kDouble},
    {"float16", at::kHalf},
    {"bfloat16", at::kBFloat16},
    {"int64", at::kLong},
    {"int32", at::kInt},
    {"int16", at::kShort},
    {"int8", at::kChar},
    {"uint8", at::kByte},
    {"bool", at::kBool},
    {"complex64", at::kComplexFloat},
    {"complex128", at::kComplexDouble},
    {"complex32", at::kComplexHalf},
    {"uint16", at::kUInt16},
    {"uint32", at::kUInt32},
    {"uint64", at::kUInt64},
    {"float8_e4m3fn", at::kFloat8_e4m3fn},
    {"float8_e5m2", at::kFloat8_e5m2},
}};

template <typename Value, std::size_t N>
std::string known(const std::array<std::pair<std::string_view, Value>, N>& table) {
  std::string text;
  for (const auto& [name, value] : table) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

template <typename Value, std::size_t N>
Value parse(const std::array<std::pair<std::string_view, Value>, N>& table, const std::string& text, const char* what,
            const char* code) {
  for (const auto& [name, value] : table) {
    if (name == text) return value;
  }
  throw Error(code, "'" + text + "' is no " + what + "; there are " + known(table));
}

constexpr std::array<std::pair<std::string_view, at::Layout>, 4> kLayouts = {{
    {"strided", at::kStrided},
    {"sparse_coo", at::kSparse},
    {"sparse_csr", at::kSparseCsr},
    {"sparse_csc", at::kSparseCsc},
}};

constexpr std::array<std::pair<std::string_view, at::MemoryFormat>, 4> kMemoryFormats = {{
    {"contiguous_format", at::MemoryFormat::Contiguous},
    {"preserve_format", at::MemoryFormat::Preserve},
    {"channels_last", at::MemoryFormat::ChannelsLast},
    {"channels_last_3d", at::MemoryFormat::ChannelsLast3d},
}};

}  // namespace

at::ScalarType parse_dtype(const std::string& name) { return parse(kDtypes, name, "dtype", code::kDtype); }

std::string dtype_name(at::ScalarType dtype) {
  for (const auto& [name, value] : kDtypes) {
    if (value == dtype) return std::string(name);
  }
  return at::toString(dtype);
}

at::Device parse_device(const std::string& name) {
  if (name == "cpu") return at::Device(at::kCPU);
  const bool cuda = name == "cuda" || (name.rfind("cuda:", 0) == 0 && name.size() > 5 && name.size() < 9 &&
                                       name.find_first_not_of("0123456789", 5) == std::string::npos);
  if (!cuda) throw Error(code::kDevice, "'" + name + "' is no device; write 'cpu', 'cuda' or 'cuda:N'");
  const int index = name == "cuda" ? 0 : std::stoi(name.substr(5));
  const int count = cuda_device_count();
  if (index >= count) {
    const std::string there = "this machine has " + std::to_string(count) + " CUDA device(s), cuda:0 to cuda:";
    throw Error(code::kDevice, "there is no device '" + name +
                                   "': " + (count == 0 ? cuda_absence() : there + std::to_string(count - 1)) +
                                   "; `torchwright doctor` tells which devices can be used");
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

std::string device_name(const at::Device& device) { return device.str(); }

at::Layout parse_layout(const std::string& name) { return parse(kLayouts, name, "layout", code::kArgument); }

std::string layout_name(at::Layout layout) {
  for (const auto& [name, value] : kLayouts) {
    if (value == layout) return std::string(name);
  }
  return at::toString(layout);
}

at::MemoryFormat parse_memory_format(const std::string& name) {
  return parse(kMemoryFormats, name, "memory format", code::kArgument);
}

}  // namespace torchwright
