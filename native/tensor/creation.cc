#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

#include "runtime/job.h"
#include "tensor/bindings.h"
#include "tensor/dtype.h"

namespace torchwright::tensor {

namespace {

std::vector<int64_t> read_shape(Napi::Value value) {
  if (!value.IsArray()) throw Error(code::kShape, "a shape is an array of whole numbers");
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> shape;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const int64_t size = to_int64(value.Env(), array.Get(i), "a whole number for each size of a shape");
    if (size < 0) throw Error(code::kShape, "a size of a shape is negative: " + std::to_string(size));
    shape.push_back(size);
  }
  return shape;
}

std::size_t checked_bytes(const std::vector<int64_t>& shape, at::ScalarType dtype) {
  std::size_t bytes = c10::elementSize(dtype);
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes)) {
      throw Error(code::kShape, "a shape this large does not fit the address space");
    }
  }
  return bytes;
}

// A CPU tensor of the same elements in row-major order.
at::Tensor flat_on_cpu(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU).resolve_conj().resolve_neg().contiguous();
}

Napi::Value array_buffer(Environment& environment, const at::Tensor& flat) {
  auto buffer = Napi::ArrayBuffer::New(environment.napi(), flat.nbytes());
  if (flat.nbytes() > 0) std::memcpy(buffer.Data(), flat.const_data_ptr(), flat.nbytes());
  return buffer;
}

}  // namespace

Napi::Value from_buffer(Environment& environment, const Napi::CallbackInfo& info) {
  const auto shape = read_shape(info[1]);
  const at::ScalarType dtype = parse_dtype(info[2].ToString());
  const at::Device device = parse_device(info[3].ToString());
  void* data = nullptr;
  std::size_t length = 0;
  if (info[0].IsTypedArray()) {
    const auto view = info[0].As<Napi::TypedArray>();
    length = view.ByteLength();
    data = length == 0 ? nullptr : static_cast<char*>(view.ArrayBuffer().Data()) + view.ByteOffset();
  } else if (info[0].IsDataView()) {
    const auto view = info[0].As<Napi::DataView>();
    length = view.ByteLength();
    data = view.Data();
  } else {
    throw Error(code::kArgument, "fromBuffer: expected a typed array or DataView");
  }
  const std::size_t wanted = checked_bytes(shape, dtype);
  if (wanted != length) {
    throw Error(code::kShape, "this shape holds " + std::to_string(wanted) + " bytes as " + dtype_name(dtype) +
                                  ", but the buffer holds " + std::to_string(length));
  }
  at::Tensor result = at::empty(shape, at::TensorOptions().dtype(dtype));
  if (length > 0) std::memcpy(result.mutable_data_ptr(), data, length);
  if (!device.is_cpu()) result = result.to(device);
  return Napi::Number::New(info.Env(), environment.add_tensor(std::move(result)));
}

Napi::Value read_sync(Environment& environment, const Napi::CallbackInfo& info) {
  return array_buffer(environment, flat_on_cpu(environment.tensor(info[0])));
}

Napi::Value read(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [tensor = environment.tensor(info[1])](const CancelFlag&) {
        // The tensor may be changed by the time its Promise settles: what is given is a copy.
        at::Tensor flat = flat_on_cpu(tensor);
        return flat.is_alias_of(tensor) ? flat.clone() : flat;
      },
      array_buffer);
}

}  // namespace torchwright::tensor
