// What LAPACK follows without a look.
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <cstdlib>

#include "tensor/guards/checks.h"

namespace torchwright {

namespace {

using torch::jit::Stack;

bool all_finite(const at::Tensor& tensor) {
  return tensor.numel() == 0 || !tensor.device().is_cpu() || at::isfinite(tensor.detach()).all().item<bool>();
}

// LAPACK's balancing loses its way among NaNs.
void finite_matrix(const Stack& stack) {
  const at::Tensor matrix = stack[0].toTensor();
  if (matrix.layout() == at::kStrided && !all_finite(matrix)) {
    refuse(code::kArgument, "the matrix holds a NaN or an infinity");
  }
}

// Row exchanges by pivots, which LAPACK follows without a look at their range. Those of LU are from 1 to the number of
// rows.
void check_pivots(const at::Tensor& pivots, int64_t rows) {
  if (pivots.scalar_type() != at::kInt || pivots.numel() == 0 || !pivots.device().is_cpu()) return;
  require(pivots.min().item<int64_t>() >= 1 && pivots.max().item<int64_t>() <= rows, "a pivot is out of range");
}

// (LU_data, LU_pivots, unpack_data, unpack_pivots): the pivots are followed without a look at their shape and range.
void lu_unpack(const Stack& stack) {
  const at::Tensor lu = stack[0].toTensor();
  const at::Tensor pivots = stack[1].toTensor();
  if (lu.dim() < 2 || !stack[3].toBool()) return;
  const int64_t rows = lu.size(-2);
  auto wanted = lu.sizes().slice(0, lu.dim() - 2).vec();
  wanted.push_back(std::min(rows, lu.size(-1)));
  require(pivots.sizes() == at::IntArrayRef(wanted), "the pivots must have the shape of the matrices' diagonals");
  check_pivots(pivots, rows);
}

// (B, LU, pivots) or (LU, pivots, B)
template <std::size_t kMatrix>
void lu_solve(const Stack& stack) {
  const at::Tensor lu = stack[kMatrix].toTensor();
  if (lu.dim() >= 2) check_pivots(stack[kMatrix + 1].toTensor(), lu.size(-2));
}

// (LD, pivots, B): a negative pivot belongs to a block of two rows.
void ldl_solve(const Stack& stack) {
  const at::Tensor pivots = stack[1].toTensor();
  if (pivots.dim() == 0 || pivots.scalar_type() != at::kInt || !pivots.device().is_cpu()) return;
  const int64_t rows = pivots.size(-1);
  const at::Tensor flat = pivots.contiguous();
  const int32_t* values = flat.const_data_ptr<int32_t>();
  for (int64_t start = 0; rows > 0 && start < flat.numel(); start += rows) {
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t pivot = values[start + row];
      require(pivot != 0 && std::abs(pivot) <= rows, "a pivot is out of range");
      if (pivot > 0) continue;
      require(row + 1 < rows && values[start + row + 1] < 0 && -int64_t{values[start + row + 1]} <= rows,
              "negative pivots must come in pairs");
      ++row;
    }
  }
}

}  // namespace

const GuardTable& guards_of_matrices() {
  static const GuardTable table{
      {"linalg_eig", finite_matrix}, {"linalg_eigvals", finite_matrix}, {"lu_unpack", lu_unpack},
      {"lu_solve", lu_solve<1>},     {"linalg_lu_solve", lu_solve<0>},  {"linalg_ldl_solve", ldl_solve},
  };
  return table;
}

}  // namespace torchwright
