"""Which operators of torch a program may use: those that map tensors to tensors, and nothing else.

Others of torch's own write files (`aten::save`), map them into memory (`aten::from_file`), draw
random numbers, or read memory beyond their tensors.
"""

from __future__ import annotations

ATEN = "torch.ops.aten."
_LAYERS = """
    _native_batch_norm_legit_no_training _scaled_dot_product_flash_attention_for_cpu
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d _adaptive_avg_pool2d addbmm
    addmm alpha_dropout avg_pool1d avg_pool2d baddbmm batch_norm bilinear bmm channel_shuffle
    constant_pad_nd conv1d conv2d conv_transpose2d convolution dot dropout einsum embedding
    feature_alpha_dropout feature_dropout grid_sampler grid_sampler_2d group_norm im2col
    instance_norm layer_norm linear matmul max_pool2d
    max_pool2d_with_indices mm mv native_group_norm native_layer_norm pad
    pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d replication_pad1d
    replication_pad2d rms_norm scaled_dot_product_attention upsample_bicubic2d
    upsample_bilinear2d upsample_nearest2d zero_pad2d
"""
_ACTIVATIONS = """
    _log_softmax _prelu_kernel _softmax celu elu erf gelu glu hardshrink hardsigmoid hardswish
    hardtanh leaky_relu log_sigmoid log_softmax mish prelu relu relu6 selu sigmoid silu softmax
    softplus softshrink softsign tanh threshold
"""
_ARITHMETIC = """
    abs add addcdiv addcmul bitwise_and bitwise_not bitwise_or ceil clamp clamp_max clamp_min
    clip cos div divide eq exp expm1 floor floor_divide fmod ge greater greater_equal gt
    isfinite isinf isnan le lerp less less_equal log log10 log1p log2 logical_and logical_not
    logical_or logical_xor lt maximum minimum mul multiply ne neg not_equal pow reciprocal
    remainder round rsqrt rsub sign sin sqrt square sub subtract tan true_divide trunc where
    xlogy
"""
_SUMS = """
    all amax amin any argmax argmin argsort count_nonzero cummax cumprod cumsum frobenius_norm
    linalg_norm linalg_vector_norm logsumexp max mean median min norm prod sort std std_mean sum
    topk var var_mean
"""
_SHAPES = """
    _unsafe_view alias broadcast_to cat chunk clone concat concatenate contiguous
    detach detach_ diagonal expand expand_as flatten flip fill gather index index_select
    lift_fresh lift_fresh_copy masked_fill meshgrid movedim narrow permute repeat
    repeat_interleave reshape roll scatter select slice split split_with_sizes squeeze stack
    swapaxes t tensor_split tile transpose tril triu unbind unflatten unfold unsqueeze view
    view_as
"""
_VALUES = """
    _to_copy arange full full_like new_full new_ones new_zeros one_hot ones ones_like
    scalar_tensor sym_numel sym_size to type_as zeros zeros_like
"""
_IN_PLACE = """
    add_ celu_ clamp_ clamp_max_ clamp_min_ copy_ div_ dropout_ elu_ exp_ fill_ hardsigmoid_
    hardswish_ hardtanh_ leaky_relu_ masked_fill_ mish_ mul_ neg_ pow_ relu6_ relu_ rsqrt_ selu_
    sigmoid_ silu_ sqrt_ squeeze_ sub_ tanh_ unsqueeze_ zero_
"""
NAMES = frozenset(
    (_LAYERS + _ACTIVATIONS + _ARITHMETIC + _SUMS + _SHAPES + _VALUES + _IN_PLACE).split()
)
"""Names of `torch.ops.aten`, without their overloads."""
_SIZES = "add and_ eq floordiv ge gt le lt mod mul ne neg or_ pos sub truediv"
SIZES = frozenset(
    {
        *(f"_operator.{name}" for name in _SIZES.split()),
        *("math.trunc", "torch.sym_int", "torch.sym_float", "torch.sym_max", "torch.sym_min"),
    }
)
"""Functions of sizes that are known when the network is applied."""
ASSERTIONS = frozenset(
    {
        "torch.ops.aten._assert_async.default",
        "torch.ops.aten._assert_scalar.default",
        "torch.ops.aten._assert_tensor_metadata.default",
        "torch.ops.aten.sym_constrain_range.default",
        "torch.ops.aten.sym_constrain_range_for_size.default",
    }
)
"""What only checks, and is left out: answers are checked once instead."""


def is_allowed(target: str) -> bool:
    """Tell whether a program may call an operator.

    >>> is_allowed("torch.ops.aten.relu.default"), is_allowed("torch.ops.aten.save.default")
    (True, False)
    """
    name, _, overload = target.removeprefix(ATEN).partition(".")
    known = target.startswith(ATEN) and name in NAMES and overload.isidentifier()
    return known or target in SIZES
