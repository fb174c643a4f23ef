/** Public names of PyTorch's Python that this package does not have, each with its reason. */

function because(reason: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, reason]));
}

const kernels = because(
  'the kernel of one backend, which the public operator reaches',
  `cudnn_affine_grid_generator cudnn_batch_norm cudnn_convolution cudnn_convolution_add_relu cudnn_convolution_relu
  cudnn_convolution_transpose cudnn_grid_sampler cudnn_is_acceptable fbgemm_linear_fp16_weight
  fbgemm_linear_fp16_weight_fp32_activation fbgemm_linear_int8_weight fbgemm_linear_int8_weight_fp32_activation
  fbgemm_linear_quantize_weight fbgemm_pack_gemm_matrix_fp16 fbgemm_pack_quantized_matrix miopen_batch_norm
  miopen_convolution miopen_convolution_add_relu miopen_convolution_relu miopen_convolution_transpose miopen_ctc_loss
  miopen_depthwise_convolution miopen_rnn mkldnn_adaptive_avg_pool2d mkldnn_convolution mkldnn_linear_backward_weights
  mkldnn_max_pool2d mkldnn_max_pool3d mkldnn_rnn_layer batch_norm_backward_elemt batch_norm_backward_reduce`,
);

const settings = because(
  'a setting of the process, not an operator: dtype and device are said where a tensor is made',
  `get_default_device get_default_dtype get_deterministic_debug_mode
  get_device_module get_file_path get_float32_matmul_precision get_num_interop_threads get_num_threads init_num_threads
  is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled set_default_device set_default_dtype
  set_default_tensor_type set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal
  set_num_interop_threads set_num_threads set_printoptions set_warn_always
  prepare_multiprocessing_environment`,
);

const modes = because(
  '`torch.autocast` and `torch.autograd.detectAnomaly` set these for a callback',
  `autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache get_autocast_cpu_dtype get_autocast_dtype
  get_autocast_gpu_dtype get_autocast_ipu_dtype get_autocast_xla_dtype is_anomaly_check_nan_enabled is_anomaly_enabled
  is_autocast_cache_enabled is_autocast_cpu_enabled is_autocast_ipu_enabled is_autocast_xla_enabled set_anomaly_enabled
  set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled set_autocast_dtype set_autocast_enabled
  set_autocast_gpu_dtype set_autocast_ipu_dtype set_autocast_ipu_enabled set_autocast_xla_dtype set_autocast_xla_enabled`,
);

const compilers = because(
  'of the compiler, TorchScript or the interpreter',
  `classproperty compile compiled_with_cxx11_abi cond fork import_ir_module import_ir_module_from_buffer
  merge_type_from_type_comment parse_ir parse_schema parse_type_comment sym_constrain_range
  sym_constrain_range_for_size sym_float sym_fresh_size sym_int sym_ite sym_max sym_min sym_not sym_sqrt sym_sum
  thread_safe_generator typename unify_type_list vmap wait while_loop
  profiler_allow_cudagraph_cupti_lazy_reinit_cuda12`,
);

const quantised = because(
  'quantised tensors have no form here',
  `choose_qparams_optimized quantized_batch_norm quantized_gru quantized_gru_cell quantized_lstm quantized_lstm_cell
  quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d quantized_rnn_relu_cell quantized_rnn_tanh_cell`,
);

const removed = because('PyTorch removed it: calling it there is an error', 'eig lstsq matrix_rank solve symeig');

const pythonOnly = 'of the tensor in Python, without meaning here';

export const notHere: Partial<Record<string, Record<string, string>>> = {
  torch: {
    ...kernels,
    ...settings,
    ...modes,
    ...compilers,
    ...quantised,
    ...removed,
    ...because('DLPack is not supported', 'from_dlpack to_dlpack'),
    ...because('`manualSeed` sets the seed', 'initial_seed seed'),
    ...because('tensors do not show their storages', 'is_storage'),
    ...because('`torch.linalg.eigh` finds eigenvalues', 'lobpcg'),
  },
  Tensor: {
    ...because(
      'DLPack, pointers and storages are not shown',
      'const_data_ptr data_ptr storage storage_type untyped_storage',
    ),
    ...because('`toArray` and `data` give the elements', 'numpy'),
    ...because('calls Python for each element', 'apply_ map_ map2_'),
    ...because(
      'a device that this package does not know',
      'ipu is_ipu is_maia is_mps is_mtia is_vulkan is_xla is_xpu mtia xpu',
    ),
    ...because(
      'has no form here',
      'is_meta is_mkldnn is_nested is_quantized qscheme to_mkldnn to_padded_tensor layout is_sparse_csr',
    ),
    ...because(
      'PyTorch removed it: calling it there is an error',
      'eig lstsq solve symeig volatile reinforce resize resize_as',
    ),
    ...because('memory between processes is not shared', 'is_shared share_memory_'),
    ...because('a stream has no form here', 'record_stream'),
    ...because(pythonOnly, 'as_subclass dim_order grad_dtype is_set_to module_load name new output_nr'),
    ...because("a part of sparse tensors' own construction", 'sparse_resize_ sparse_resize_and_clear_'),
  },
  functional: {
    ...because('a helper of the Python module', 'Optional assert_int_or_pair boolean_dispatch handle_torch_function'),
    ...because(
      'a helper of the Python module',
      'has_torch_function has_torch_function_unary has_torch_function_variadic',
    ),
    ...because('`nn.MultiheadAttention` does it', 'multi_head_attention_forward'),
    ...because(
      'products of 8-bit numbers on certain GPUs; `torch.operator` reaches them',
      'scaled_grouped_mm scaled_mm',
    ),
    ...because('experimental in PyTorch', 'linear_cross_entropy'),
  },
};
