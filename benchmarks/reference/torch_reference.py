"""Plain PyTorch reference of the modeling blocks and architectures described in the specification.

One class per module of the specification, under the same name and with the same state-dict keys. Constructor
arguments are the fields of the config of the same class; sub-configs are plain dicts. Only torch is needed.

    model = build("noether.modeling.models.AnchoredBranchedUPT", config)

Notation: B batch, N tokens, D hidden_dim, H heads, d = D / H, P position dim.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# ----------------------------------------------------------------------------------------------------------------
# Initialisation
# ----------------------------------------------------------------------------------------------------------------

_INITIALISED_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@torch.no_grad()
def init_trunc_normal_zero_bias(layer: nn.Module, std: float = 0.02) -> None:
    """Weight from a normal distribution cut at [-2, 2] (absolute, so in effect not cut), bias zero.

    Drawn by inverting the error function, as ``nn.init.trunc_normal_`` did up to torch 2.11, so that a seed gives the same
    weights under every version (newer versions draw normal numbers and reject those outside).
    """
    if isinstance(layer, _INITIALISED_LAYERS):
        bound = math.erf(2.0 / std / math.sqrt(2.0))
        layer.weight.uniform_(-bound, bound).erfinv_().mul_(std * math.sqrt(2.0)).clamp_(-2.0, 2.0)
        if layer.bias is not None:
            layer.bias.zero_()


def apply_init_method(module: nn.Module, proj_weight: Tensor, method: str) -> None:
    """Re-initialise every linear layer of ``module``; "...-identity" also zeroes the last projection."""
    if method == "torch":
        return
    if method not in ("truncnormal", "truncnormal002", "truncnormal002-identity"):
        raise NotImplementedError(f"init_weights {method!r}")
    module.apply(init_trunc_normal_zero_bias)
    if method == "truncnormal002-identity":
        nn.init.zeros_(proj_weight)


# ----------------------------------------------------------------------------------------------------------------
# Modulation and rotary embedding
# ----------------------------------------------------------------------------------------------------------------


def modulate_scale_shift(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    if x.ndim == 3:
        scale, shift = scale[:, None], shift[:, None]
    return x * (1 + scale) + shift


def modulate_gate(x: Tensor, gate: Tensor) -> Tensor:
    return (gate[:, None] if x.ndim == 3 else gate) * x


class RopeTable(NamedTuple):
    """Cosines and (signed) sines of the "real" variant, shape (B, 1, N, P, 2, F): computed once, used by every block."""

    cos: Tensor
    sin: Tensor


def prepare_rope(freqs: Tensor | RopeTable | Sequence[Tensor]) -> Tensor | RopeTable:
    """Turn the tuple of angles of the "real" variant into a table; complex frequencies are ready for use."""
    if isinstance(freqs, (Tensor, RopeTable)):
        return freqs
    angles = torch.stack(tuple(freqs), dim=-2).unsqueeze(1).unflatten(-1, (2, -1))
    sin = angles.sin()
    sin[..., 0, :].neg_()
    return RopeTable(angles.cos(), sin)


def rope(x: Tensor, freqs: Tensor | RopeTable | Sequence[Tensor]) -> Tensor:
    """Rotate ``x`` (B, H, N, d).

    Complex ``freqs`` (B, N, d/2): adjacent channel pairs are one complex number each; the result has x's dtype.
    Tuple of P angle tensors (B, N, 2F), or their table: inside each of the first P chunks of 2F channels, channel j
    is paired with channel j + F; channels behind the chunks stay as they are.
    """
    assert x.ndim == 4
    freqs = prepare_rope(freqs)
    if isinstance(freqs, RopeTable):
        n_axes, _, half = freqs.cos.shape[-3:]
        rotated = 2 * half * n_axes
        assert rotated <= x.shape[-1]
        pairs = x[..., :rotated].unflatten(-1, (n_axes, 2, half))
        y = torch.addcmul(pairs * freqs.cos, pairs.flip(-2), freqs.sin).flatten(-3)
        if rotated == x.shape[-1]:
            return y
        # Joined as (B, N, H, d), the memory layout of x: attention then returns that layout too and heads merge for free.
        return torch.cat((y.transpose(1, 2), x[..., rotated:].transpose(1, 2)), dim=-1).transpose(1, 2)
    assert freqs.is_complex() and freqs.ndim == 3
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * freqs.unsqueeze(1)).flatten(-2).type_as(x)


# ----------------------------------------------------------------------------------------------------------------
# Neighbour search: edges (2, E) of int64, row 0 = index into y, row 1 = index into x
# ----------------------------------------------------------------------------------------------------------------

_DISTANCE_BLOCK = 1 << 24  # entries of the distance matrix that are held at a time


def _distance_blocks(x: Tensor, y: Tensor) -> Iterable[tuple[int, Tensor]]:
    """Blocks of rows of the (M, N) distance matrix, with the index of the first row of each."""
    rows = max(1, _DISTANCE_BLOCK // max(1, x.shape[0]))
    for start in range(0, y.shape[0], rows):
        yield start, torch.cdist(y[start : start + rows], x, compute_mode="donot_use_mm_for_euclid_dist")


def _per_sample(search, x: Tensor, y: Tensor, batch_x: Tensor | None, batch_y: Tensor | None) -> Tensor:
    """Run ``search(x, y)`` for each sample of y on its own and join the edges, samples in ascending order."""
    if batch_x is None and batch_y is None:
        return search(x, y)
    batch_x = x.new_zeros(x.shape[0], dtype=torch.long) if batch_x is None else batch_x
    batch_y = y.new_zeros(y.shape[0], dtype=torch.long) if batch_y is None else batch_y
    edges = []
    for sample in torch.unique(batch_y).tolist():
        x_idx = (batch_x == sample).nonzero().squeeze(1)
        y_idx = (batch_y == sample).nonzero().squeeze(1)
        queries, sources = search(x[x_idx], y[y_idx])
        edges.append(torch.stack((y_idx[queries], x_idx[sources])))
    return torch.cat(edges, dim=1) if edges else torch.empty(2, 0, dtype=torch.long, device=x.device)


def radius(
    x: Tensor,
    y: Tensor,
    r: float,
    max_num_neighbors: int | None = None,
    batch_x: Tensor | None = None,
    batch_y: Tensor | None = None,
) -> Tensor:
    """All pairs with distance <= r, y ascending, then x ascending; of each y only the first ``max_num_neighbors``."""

    def search(x: Tensor, y: Tensor) -> Tensor:
        parts = []
        for start, distance in _distance_blocks(x, y):
            queries, sources = (distance <= r).nonzero(as_tuple=True)
            if max_num_neighbors is not None:
                counts = torch.bincount(queries, minlength=distance.shape[0])
                first = (counts.cumsum(0) - counts).index_select(0, queries)
                keep = torch.arange(queries.numel(), device=x.device) - first < max_num_neighbors
                queries, sources = queries[keep], sources[keep]
            parts.append(torch.stack((queries + start, sources)))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    return _per_sample(search, x, y, batch_x, batch_y)


def knn(x: Tensor, y: Tensor, k: int, batch_x: Tensor | None = None, batch_y: Tensor | None = None) -> Tensor:
    """The min(k, N) nearest x of each y, nearest first; the order of equally distant ones is open."""

    def search(x: Tensor, y: Tensor) -> Tensor:
        kept = min(k, x.shape[0])
        sources = [d.topk(kept, dim=1, largest=False).indices.flatten() for _, d in _distance_blocks(x, y)]
        queries = torch.arange(y.shape[0], device=x.device).repeat_interleave(kept)
        return torch.stack((queries, torch.cat(sources)))

    return _per_sample(search, x, y, batch_x, batch_y)


# ----------------------------------------------------------------------------------------------------------------
# Layers
# ----------------------------------------------------------------------------------------------------------------

_ACTIVATIONS = {
    "GELU": nn.GELU,
    "TANH": nn.Tanh,
    "SIGMOID": nn.Sigmoid,
    "RELU": nn.ReLU,
    "LEAKY_RELU": nn.LeakyReLU,
    "SOFTPLUS": nn.Softplus,
    "ELU": nn.ELU,
    "SILU": nn.SiLU,
}


class LinearProjection(nn.Module):
    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        ndim: int | None = None,
        bias: bool = True,
        optional: bool = False,
        init_weights: str = "torch",
    ) -> None:
        super().__init__()
        self.init_weights = init_weights
        if optional and input_dim == output_dim:
            self.project: nn.Module = nn.Identity()
        elif ndim is None:
            self.project = nn.Linear(input_dim, output_dim, bias=bias)
        else:
            conv = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[ndim]
            self.project = conv(input_dim, output_dim, kernel_size=1, bias=bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.init_weights == "torch":
            return
        if self.init_weights in ("truncnormal", "truncnormal002"):
            init_trunc_normal_zero_bias(self.project)
        elif self.init_weights == "zeros":
            nn.init.zeros_(self.project.weight)
            if self.project.bias is not None:
                nn.init.zeros_(self.project.bias)
        else:
            raise NotImplementedError(f"init_weights {self.init_weights!r}")

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x)


def _wave_numbers(hidden_dim: int, input_dim: int, max_wavelength: int) -> tuple[Tensor, int]:
    """Frequencies of one coordinate (F,) and the number of channels that are left over."""
    ndim_padding = hidden_dim % input_dim
    sincos_padding = (hidden_dim - ndim_padding) // input_dim % 2
    padding = ndim_padding + sincos_padding * input_dim
    effective = (hidden_dim - padding) // input_dim
    if effective <= 0:
        raise ValueError(f"hidden_dim {hidden_dim} is too small for {input_dim} coordinates")
    exponent = torch.arange(0, effective, 2, dtype=torch.float32) / effective
    return 1.0 / max_wavelength**exponent, padding


class ContinuousSincosEmbed(nn.Module):
    def __init__(self, hidden_dim: int, input_dim: int, max_wavelength: int = 10000) -> None:
        super().__init__()
        self.input_dim = input_dim
        omega, self.padding = _wave_numbers(hidden_dim, input_dim, max_wavelength)
        self.register_buffer("omega", omega)
        self.register_buffer("padding_tensor", torch.zeros(self.padding))

    def forward(self, coords: Tensor) -> Tensor:
        """(N, P) or (B, N, P) -> float32 (..., hidden_dim): per coordinate [sin | cos], zeros at the end."""
        assert coords.shape[-1] == self.input_dim
        if coords.ndim not in (2, 3):
            raise NotImplementedError(f"coordinates with {coords.ndim} dims")
        angles = coords.float().unsqueeze(-1) * self.omega
        embedding = torch.cat((angles.sin(), angles.cos()), dim=-1).flatten(-2)
        return F.pad(embedding, (0, self.padding)) if self.padding else embedding


class RopeFrequency(nn.Module):
    """``hidden_dim`` is the head dim. "complex": unit complex numbers (..., d/2); "real": P tensors of angles (..., 2F)."""

    def __init__(self, hidden_dim: int, input_dim: int, max_wavelength: int = 10000, implementation: str = "real") -> None:
        super().__init__()
        self.implementation = implementation
        omega, self.padding = _wave_numbers(hidden_dim, input_dim, max_wavelength)
        self.register_buffer("omega", omega)

    def forward(self, coords: Tensor) -> Tensor | tuple[Tensor, ...]:
        angles = coords.float().unsqueeze(-1) * self.omega
        if self.implementation == "real":
            return torch.cat((angles, angles), dim=-1).unbind(-2)
        assert self.padding % 2 == 0
        angles = F.pad(angles.flatten(-2), (0, self.padding // 2))
        return torch.polar(torch.ones_like(angles), angles)


class UnquantizedDropPath(nn.Module):
    def __init__(self, drop_prob: float = 0.0, scale_by_keep: bool = True) -> None:
        super().__init__()
        if not 0 <= drop_prob <= 1:
            raise ValueError("drop_prob must lie in [0, 1]")
        self.drop_prob, self.scale_by_keep = drop_prob, scale_by_keep

    def forward(self, x: Tensor) -> Tensor:
        if self.drop_prob == 0.0 or not self.training:
            return x
        keep = 1.0 - self.drop_prob
        mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        if keep > 0.0 and self.scale_by_keep:
            mask.div_(keep)
        return x * mask


class LayerScale(nn.Module):
    def __init__(self, hidden_dim: int, init_values: float | None = 1e-5) -> None:
        super().__init__()
        self.gamma = None if init_values is None else nn.Parameter(torch.full((hidden_dim,), init_values))

    def forward(self, x: Tensor) -> Tensor:
        return x if self.gamma is None else x * self.gamma


class MLP(nn.Module):
    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        hidden_dim: int,
        num_layers: int = 0,
        activation: str = "GELU",
        init_weights: str = "truncnormal002",
    ) -> None:
        super().__init__()
        if init_weights not in ("torch", "truncnormal002"):
            raise NotImplementedError(f"init_weights {init_weights!r}")
        layers: list[nn.Module] = [nn.Linear(input_dim, hidden_dim), _ACTIVATIONS[activation]()]
        for _ in range(num_layers):
            layers += [nn.Linear(hidden_dim, hidden_dim), _ACTIVATIONS[activation]()]
        self.mlp = nn.Sequential(*layers, nn.Linear(hidden_dim, output_dim))
        apply_init_method(self, self.mlp[-1].weight, init_weights)

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(x)


class UpActDownMlp(nn.Module):
    def __init__(self, input_dim: int, hidden_dim: int, bias: bool = True, init_weights: str = "truncnormal002") -> None:
        super().__init__()
        if hidden_dim <= input_dim:
            raise ValueError("hidden_dim must exceed input_dim")
        self.fc1 = nn.Linear(input_dim, hidden_dim, bias=bias)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden_dim, input_dim, bias=bias)
        apply_init_method(self, self.fc2.weight, init_weights)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


# ----------------------------------------------------------------------------------------------------------------
# Attention
# ----------------------------------------------------------------------------------------------------------------


def _split_heads(x: Tensor, parts: int, num_heads: int) -> tuple[Tensor, ...]:
    """(B, N, parts·D) -> ``parts`` views (B, H, N, d)."""
    return x.unflatten(-1, (parts, num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


def _merge_heads(x: Tensor) -> Tensor:
    """(B, H, N, d) -> (B, N, D); no copy when x comes from scaled_dot_product_attention."""
    return x.transpose(1, 2).flatten(2)


class _Attention(nn.Module):
    def __init__(self, hidden_dim: int, num_heads: int, use_rope: bool, dropout: float) -> None:
        super().__init__()
        if hidden_dim % num_heads:
            raise ValueError(f"hidden_dim {hidden_dim} must be divisible by num_heads {num_heads}")
        self.num_heads, self.use_rope, self.dropout = num_heads, use_rope, dropout

    def attend(self, q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        return F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask, dropout_p=dropout)

    def drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x


class DotProductAttention(_Attention):
    def __init__(
        self,
        hidden_dim: int,
        num_heads: int,
        use_rope: bool = False,
        dropout: float = 0.0,
        init_weights: str = "truncnormal002",
        bias: bool = True,
    ) -> None:
        super().__init__(hidden_dim, num_heads, use_rope, dropout)
        self.qkv = nn.Linear(hidden_dim, 3 * hidden_dim, bias=bias)
        self.proj = nn.Linear(hidden_dim, hidden_dim, bias=bias)
        apply_init_method(self, self.proj.weight, init_weights)

    def queries_keys_values(self, x: Tensor, freqs=None) -> tuple[Tensor, ...]:
        q, k, v = _split_heads(self.qkv(x), 3, self.num_heads)
        if self.use_rope:
            assert freqs is not None, "use_rope needs freqs"
            freqs = prepare_rope(freqs)
            return rope(q, freqs), rope(k, freqs), v
        assert freqs is None, "freqs given, but use_rope is off"
        return q, k, v

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, freqs=None) -> Tensor:
        q, k, v = self.queries_keys_values(x, freqs)
        return self.drop(self.proj(_merge_heads(self.attend(q, k, v, attn_mask))))


class PerceiverAttention(_Attention):
    def __init__(
        self,
        hidden_dim: int,
        num_heads: int,
        kv_dim: int | None = None,
        use_rope: bool = False,
        dropout: float = 0.0,
        init_weights: str = "truncnormal002",
        bias: bool = True,
    ) -> None:
        super().__init__(hidden_dim, num_heads, use_rope, dropout)
        self.kv = nn.Linear(hidden_dim if kv_dim is None else kv_dim, 2 * hidden_dim, bias=bias)
        self.q = nn.Linear(hidden_dim, hidden_dim, bias=bias)
        self.proj = nn.Linear(hidden_dim, hidden_dim, bias=bias)
        apply_init_method(self, self.proj.weight, init_weights)

    def forward(self, q: Tensor, kv: Tensor, attn_mask: Tensor | None = None, q_freqs=None, k_freqs=None) -> Tensor:
        (q,) = _split_heads(self.q(q), 1, self.num_heads)
        k, v = _split_heads(self.kv(kv), 2, self.num_heads)
        if self.use_rope:
            assert q_freqs is not None and k_freqs is not None, "use_rope needs q_freqs and k_freqs"
            q, k = rope(q, q_freqs), rope(k, k_freqs)
        else:
            assert q_freqs is None and k_freqs is None, "freqs given, but use_rope is off"
        return self.drop(self.proj(_merge_heads(self.attend(q, k, v, attn_mask))))


class TransolverAttention(_Attention):
    """Physics attention: soft assignment of points to slices, attention between slices, weighted read-back."""

    def __init__(
        self,
        hidden_dim: int,
        num_heads: int,
        num_slices: int = 512,
        use_rope: bool = False,  # without effect
        dropout: float = 0.0,
        init_weights: str = "truncnormal002",
        bias: bool = True,
    ) -> None:
        super().__init__(hidden_dim, num_heads, use_rope, dropout)
        head_dim = hidden_dim // num_heads
        self.temperature = nn.Parameter(torch.full((1, num_heads, 1, 1), 0.5))
        self.in_project_x = LinearProjection(hidden_dim, hidden_dim, bias=bias, init_weights=init_weights)
        self.in_project_fx = LinearProjection(hidden_dim, hidden_dim, bias=bias, init_weights=init_weights)
        self.in_project_slice = LinearProjection(head_dim, num_slices, bias=bias, init_weights=init_weights)
        self.qkv = LinearProjection(head_dim, 3 * head_dim, bias=False, init_weights=init_weights)
        self.proj = LinearProjection(hidden_dim, hidden_dim, bias=bias, init_weights=init_weights)

    def create_slices(self, x: Tensor, attn_mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Slice tokens (B, H, G, d) and slice weights (B, H, N, G); the weights stay (B, N, H, G) in memory."""
        values = self.in_project_fx(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        logits = self.in_project_slice(self.in_project_x(x).unflatten(-1, (self.num_heads, -1)))
        weights = (logits / self.temperature.transpose(1, 2)).softmax(dim=-1)
        if attn_mask is not None:
            assert attn_mask.dtype == torch.bool and attn_mask.shape == x.shape[:2]
            weights = weights * attn_mask[:, :, None, None]
        weights = weights.transpose(1, 2)
        tokens = weights.transpose(-1, -2) @ values
        return tokens / (weights.sum(dim=2).unsqueeze(-1) + 1e-5), weights

    def forward(self, x: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        tokens, weights = self.create_slices(x, attn_mask)
        q, k, v = self.qkv(tokens).chunk(3, dim=-1)
        return self.drop(self.proj(_merge_heads(weights @ self.attend(q, k, v))))


class TokenSpec(NamedTuple):
    name: str
    size: int


class AttentionPattern(NamedTuple):
    query_tokens: Sequence[str]
    key_value_tokens: Sequence[str]


class MixedAttention(DotProductAttention):
    """Attention between named groups of tokens that lie one after the other in the sequence.

    One attention call per pattern, on views of queries, keys and values wherever the chosen tokens are contiguous.
    """

    def forward(  # type: ignore[override]
        self, x: Tensor, token_specs: Sequence[TokenSpec], attention_patterns: Sequence[AttentionPattern], freqs=None
    ) -> Tensor:
        spans = self._validate(x, token_specs, attention_patterns, freqs)
        q, k, v = self.queries_keys_values(x, freqs)
        outputs: dict[str, Tensor] = {}
        for query_tokens, key_value_tokens in attention_patterns:
            queries = _select_tokens(q, [spans[name] for name in query_tokens])
            ranges = [spans[name] for name in key_value_tokens]
            out = self.attend(queries, _select_tokens(k, ranges), _select_tokens(v, ranges)).transpose(1, 2)
            if tuple(query_tokens) == tuple(spans):
                return self.proj(out.flatten(2))
            sizes = [spans[name][1] - spans[name][0] for name in query_tokens]
            outputs.update(zip(query_tokens, out.split(sizes, dim=1)))
        return self.proj(torch.cat([outputs[name] for name in spans], dim=1).flatten(2))

    def _validate(self, x, token_specs, attention_patterns, freqs) -> dict[str, tuple[int, int]]:
        if self.use_rope != (freqs is not None):
            raise ValueError("RoPE usage mismatch")
        spans, start = {}, 0
        for name, size in token_specs:
            spans[name] = (start, start + size)
            start += size
        if start != x.shape[1]:
            raise ValueError(f"Token specs total size {start} does not match {x.shape[1]} tokens")
        queries = [name for pattern in attention_patterns for name in pattern.query_tokens]
        if len(queries) != len(set(queries)):
            raise ValueError("a token cannot be a query in multiple patterns")
        if set(queries) != set(spans):
            raise ValueError("the set of query tokens must exactly match the token specs")
        for pattern in attention_patterns:
            for name in pattern.key_value_tokens:
                if name not in spans:
                    raise ValueError(f"{name!r} is not defined in `token_specs`")
        return spans


def _select_tokens(x: Tensor, ranges: Sequence[tuple[int, int]]) -> Tensor:
    """Tokens of ``x`` (B, H, N, d) in the given ranges; a view where neighbouring ranges form a single one."""
    merged: list[tuple[int, int]] = []
    for start, end in ranges:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    parts = [x[:, :, start:end] for start, end in merged]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


class MultiBranchAnchorAttention(nn.Module):
    """Base of the anchor attentions: tokens of a branch carry its name as prefix, its anchors are <branch><suffix>."""

    min_branches = 1

    def __init__(
        self,
        hidden_dim: int,
        num_heads: int,
        branches: Sequence[str],
        anchor_suffix: str = "_anchors",
        use_rope: bool = False,
        dropout: float = 0.0,
        init_weights: str = "truncnormal002",
        bias: bool = True,
    ) -> None:
        super().__init__()
        if len(branches) < self.min_branches:
            raise ValueError(f"{type(self).__name__} requires at least {self.min_branches} branches")
        self.branches, self.anchor_suffix = list(branches), anchor_suffix
        self.mixed_attention = MixedAttention(hidden_dim, num_heads, use_rope, dropout, init_weights, bias)

    def anchors(self, branch: str) -> str:
        return branch + self.anchor_suffix

    def create_patterns(self, names: Sequence[str]) -> list[AttentionPattern]:
        raise NotImplementedError

    def forward(self, x: Tensor, token_specs: Sequence[TokenSpec], freqs=None) -> Tensor:
        names = [spec.name for spec in token_specs]
        for name in names:
            if not name.startswith(tuple(self.branches)):
                raise ValueError(f"unexpected token {name!r}")
        for branch in self.branches:
            if not any(name.startswith(branch) for name in names):
                raise ValueError(f"no tokens of branch {branch!r}")
            if self.anchors(branch) not in names:
                raise ValueError(f"no token {self.anchors(branch)!r}")
        return self.mixed_attention(x, token_specs, self.create_patterns(names), freqs=freqs)


class SelfAnchorAttention(MultiBranchAnchorAttention):
    """Every branch attends to its own anchors."""

    def create_patterns(self, names: Sequence[str]) -> list[AttentionPattern]:
        return [AttentionPattern([n for n in names if n.startswith(b)], [self.anchors(b)]) for b in self.branches]


class CrossAnchorAttention(MultiBranchAnchorAttention):
    """Every branch attends to the anchors of all other branches."""

    min_branches = 2

    def create_patterns(self, names: Sequence[str]) -> list[AttentionPattern]:
        return [
            AttentionPattern([n for n in names if n.startswith(b)], [self.anchors(o) for o in self.branches if o != b])
            for b in self.branches
        ]


class JointAnchorAttention(MultiBranchAnchorAttention):
    """All tokens attend to the anchors of all branches."""

    min_branches = 2

    def create_patterns(self, names: Sequence[str]) -> list[AttentionPattern]:
        return [AttentionPattern(list(names), [self.anchors(b) for b in self.branches])]


ATTENTION_REGISTRY: dict[str, type[nn.Module]] = {
    "dot_product": DotProductAttention,
    "perceiver": PerceiverAttention,
    "transolver": TransolverAttention,
}

# ----------------------------------------------------------------------------------------------------------------
# Blocks
# ----------------------------------------------------------------------------------------------------------------


class _Block(nn.Module):
    """What the two blocks share: the number of MLP channels and the choice between plain and modulated residuals."""

    def __init__(self, condition_dim: int | None, bias: bool, parts: int, hidden_dim: int) -> None:
        super().__init__()
        assert condition_dim is None or bias, "conditioning needs bias"
        self.modulation = (
            None if condition_dim is None else LinearProjection(condition_dim, parts * hidden_dim, init_weights="zeros")
        )
        self.parts = parts

    @staticmethod
    def mlp_width(hidden_dim: int, mlp_hidden_dim: int | None, mlp_expansion_factor: int | None) -> int:
        if mlp_hidden_dim is not None:
            return mlp_hidden_dim
        if mlp_expansion_factor is None:
            raise ValueError("one of mlp_hidden_dim and mlp_expansion_factor is required")
        return hidden_dim * mlp_expansion_factor

    def modulations(self, condition: Tensor | None) -> tuple[Tensor, ...] | None:
        if (condition is None) != (self.modulation is None):
            raise ValueError("condition must be given exactly when condition_dim is set")
        return None if self.modulation is None else self.modulation(condition).chunk(self.parts, dim=-1)


class TransformerBlock(_Block):
    def __init__(
        self,
        hidden_dim: int,
        num_heads: int,
        mlp_hidden_dim: int | None = None,
        mlp_expansion_factor: int | None = None,
        drop_path: float = 0.0,
        attention_constructor: str | type[nn.Module] = "dot_product",
        layerscale: float | None = None,
        condition_dim: int | None = None,
        bias: bool = True,
        eps: float = 1e-6,
        init_weights: str = "truncnormal002",
        use_rope: bool = False,
        attention_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(condition_dim, bias, 6, hidden_dim)
        if isinstance(attention_constructor, str):
            attention_constructor = ATTENTION_REGISTRY[attention_constructor]
        mlp_width = self.mlp_width(hidden_dim, mlp_hidden_dim, mlp_expansion_factor)
        affine = condition_dim is None
        self.norm1 = nn.LayerNorm(hidden_dim, eps, elementwise_affine=affine, bias=bias)
        self.attention_block = attention_constructor(
            hidden_dim=hidden_dim,
            num_heads=num_heads,
            use_rope=use_rope,
            bias=bias,
            init_weights=init_weights,
            **(attention_arguments or {}),
        )
        self.ls1 = LayerScale(hidden_dim, layerscale)
        self.drop_path1 = UnquantizedDropPath(drop_path)
        self.norm2 = nn.LayerNorm(hidden_dim, eps, elementwise_affine=affine, bias=bias)
        self.mlp = UpActDownMlp(hidden_dim, mlp_width, bias, init_weights)
        self.ls2 = LayerScale(hidden_dim, layerscale)
        self.drop_path2 = UnquantizedDropPath(drop_path)

    def forward(self, x: Tensor, condition: Tensor | None = None, attn_kwargs: Mapping[str, Any] | None = None) -> Tensor:
        modulations, attn_kwargs = self.modulations(condition), attn_kwargs or {}
        if modulations is None:
            x = x + self.drop_path1(self.ls1(self.attention_block(self.norm1(x), **attn_kwargs)))
            return x + self.drop_path2(self.ls2(self.mlp(self.norm2(x))))
        attn_scale, attn_shift, attn_gate, mlp_scale, mlp_shift, mlp_gate = modulations
        y = self.attention_block(modulate_scale_shift(self.norm1(x), attn_scale, attn_shift), **attn_kwargs)
        x = x + self.drop_path1(modulate_gate(self.ls1(y), attn_gate))
        y = self.mlp(modulate_scale_shift(self.norm2(x), mlp_scale, mlp_shift))
        return x + self.drop_path2(modulate_gate(self.ls2(y), mlp_gate))


class PerceiverBlock(_Block):
    def __init__(
        self,
        hidden_dim: int,
        num_heads: int,
        kv_dim: int | None = None,
        mlp_hidden_dim: int | None = None,
        mlp_expansion_factor: int | None = None,
        drop_path: float = 0.0,
        layerscale: float | None = None,
        condition_dim: int | None = None,
        bias: bool = True,
        eps: float = 1e-6,
        init_weights: str = "truncnormal002",
        use_rope: bool = False,
        attention_constructor: str = "dot_product",  # without effect, a field of the config all the same
        attention_arguments: Mapping[str, Any] | None = None,  # without effect
    ) -> None:
        super().__init__(condition_dim, bias, 8, hidden_dim)
        assert condition_dim is None or kv_dim is None, "conditioning excludes kv_dim"
        mlp_width = self.mlp_width(hidden_dim, mlp_hidden_dim, mlp_expansion_factor)
        affine = condition_dim is None
        self.norm1q = nn.LayerNorm(hidden_dim, eps, elementwise_affine=affine, bias=bias)
        self.norm1kv = nn.LayerNorm(hidden_dim if kv_dim is None else kv_dim, eps, elementwise_affine=affine, bias=bias)
        self.attn = PerceiverAttention(hidden_dim, num_heads, kv_dim, use_rope, 0.0, init_weights, bias)
        self.ls1 = LayerScale(hidden_dim, layerscale)
        self.drop_path1 = UnquantizedDropPath(drop_path)
        self.norm2 = nn.LayerNorm(hidden_dim, eps, elementwise_affine=affine, bias=bias)
        self.mlp = UpActDownMlp(hidden_dim, mlp_width, bias, init_weights)
        self.ls2 = LayerScale(hidden_dim, layerscale)
        self.drop_path2 = UnquantizedDropPath(drop_path)

    def forward(
        self, q: Tensor, kv: Tensor, condition: Tensor | None = None, attn_kwargs: Mapping[str, Any] | None = None
    ) -> Tensor:
        modulations, attn_kwargs = self.modulations(condition), attn_kwargs or {}
        if modulations is None:
            q = q + self.drop_path1(self.ls1(self.attn(self.norm1q(q), self.norm1kv(kv), **attn_kwargs)))
            return q + self.drop_path2(self.ls2(self.mlp(self.norm2(q))))
        q_scale, q_shift, kv_scale, kv_shift, attn_gate, mlp_scale, mlp_shift, mlp_gate = modulations
        y = self.attn(
            modulate_scale_shift(self.norm1q(q), q_scale, q_shift),
            modulate_scale_shift(self.norm1kv(kv), kv_scale, kv_shift),
            **attn_kwargs,
        )
        q = q + self.drop_path1(modulate_gate(self.ls1(y), attn_gate))
        y = self.mlp(modulate_scale_shift(self.norm2(q), mlp_scale, mlp_shift))
        return q + self.drop_path2(modulate_gate(self.ls2(y), mlp_gate))


class DeepPerceiverDecoder(nn.Module):
    def __init__(self, perceiver_block_config: Mapping[str, Any], depth: int = 1, input_dim: int | None = None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(PerceiverBlock(**perceiver_block_config) for _ in range(depth))

    def forward(
        self, kv: Tensor, queries: Tensor, attn_kwargs: Mapping[str, Any] | None = None, condition: Tensor | None = None
    ) -> Tensor:
        assert kv.ndim == 3 and queries.ndim == 3
        for block in self.blocks:
            queries = block(queries, kv, condition=condition, attn_kwargs=attn_kwargs)
        return queries


# ----------------------------------------------------------------------------------------------------------------
# Supernode pooling
# ----------------------------------------------------------------------------------------------------------------


class SupernodePooling(nn.Module):
    def __init__(
        self,
        hidden_dim: int,
        input_dim: int,
        radius: float | None = None,
        k: int | None = None,
        max_degree: int = 32,
        spool_pos_mode: str = "abspos",
        init_weights: str = "truncnormal002",
        readd_supernode_pos: bool = True,
        aggregation: str = "mean",
        message_mode: str = "mlp",
        input_features_dim: int | None = None,
    ) -> None:
        super().__init__()
        if (radius is None) == (k is None):
            raise ValueError("exactly one of radius and k is required")
        assert spool_pos_mode in ("abspos", "relpos", "absrelpos") and aggregation in ("mean", "sum")
        self.radius, self.k, self.max_degree = radius, k, max_degree
        self.spool_pos_mode, self.aggregation = spool_pos_mode, aggregation

        def linear(inputs: int) -> LinearProjection:
            return LinearProjection(inputs, hidden_dim, init_weights=init_weights)

        self.pos_embed = ContinuousSincosEmbed(hidden_dim, input_dim)
        if input_features_dim is not None:
            self.feature_projection = linear(input_features_dim)
            self.feature_down_projection = linear((3 if spool_pos_mode == "relpos" else 2) * hidden_dim)
        self.input_features_dim = input_features_dim
        if spool_pos_mode != "abspos":
            self.rel_pos_embed = ContinuousSincosEmbed(hidden_dim, input_dim + 1)
        message_dim = {"abspos": 2, "absrelpos": 3, "relpos": 1}[spool_pos_mode] * hidden_dim
        if message_mode == "mlp":
            self.message: nn.Module = nn.Sequential(linear(message_dim), nn.GELU(), linear(hidden_dim))
        else:
            self.message = {"linear": lambda: linear(message_dim), "identity": nn.Identity}[message_mode]()
        self.proj = linear(2 * hidden_dim) if readd_supernode_pos else None

    def edges(self, pos: Tensor, supernode_idx: Tensor, batch_idx: Tensor | None) -> Tensor:
        """Row 0: position in ``supernode_idx``, row 1: index of the neighbour in ``pos``; row 0 ascends."""
        supernode_batch = None if batch_idx is None else batch_idx[supernode_idx]
        if self.k is not None:
            return knn(pos, pos[supernode_idx], self.k, batch_idx, supernode_batch)
        return radius(pos, pos[supernode_idx], self.radius, self.max_degree, batch_idx, supernode_batch)

    def forward(
        self, input_pos: Tensor, supernode_idx: Tensor, batch_idx: Tensor | None = None, input_features: Tensor | None = None
    ) -> Tensor:
        """(ΣN, P) points of all samples, (S,) indices of the supernodes (S/B of each sample) -> (B, S/B, D)."""
        assert input_pos.ndim == 2 and supernode_idx.ndim == 1
        features = self._project_features(input_features)
        batch_size = 1 if batch_idx is None else int(batch_idx.max()) + 1
        local_dst, src = self.edges(input_pos, supernode_idx, batch_idx if batch_size > 1 else None)
        dst = supernode_idx.index_select(0, local_dst)

        if self.spool_pos_mode == "relpos":
            messages = self._relative_embedding(input_pos, src, dst)
            if features is not None:
                features = torch.cat((messages, features.index_select(0, src), features.index_select(0, dst)), dim=-1)
                messages = self.feature_down_projection(features)
            supernodes = None if self.proj is None else self.pos_embed(input_pos[supernode_idx])
        else:
            embedding = self.pos_embed(input_pos)
            if features is not None:
                if self.spool_pos_mode == "absrelpos":
                    raise NotImplementedError("absrelpos with features")
                embedding = self.feature_down_projection(torch.cat((embedding, features), dim=-1))
            parts = [embedding.index_select(0, src), embedding.index_select(0, dst)]
            if self.spool_pos_mode == "absrelpos":
                parts.append(self._relative_embedding(input_pos, src, dst))
            messages = torch.cat(parts, dim=-1)
            supernodes = None if self.proj is None else embedding.index_select(0, supernode_idx)

        pooled = self._aggregate(self.message(messages), local_dst, supernode_idx.shape[0])
        if self.proj is not None:
            pooled = self.proj(torch.cat((pooled, supernodes), dim=-1))
        return pooled.unflatten(0, (batch_size, -1))

    def _project_features(self, features: Tensor | None) -> Tensor | None:
        if features is None:
            assert self.input_features_dim is None, "features are configured, but not given"
            return None
        features = features.flatten(0, 1) if features.ndim == 3 else features
        assert features.shape[-1] == self.input_features_dim
        return self.feature_projection(features)

    def _relative_embedding(self, pos: Tensor, src: Tensor, dst: Tensor) -> Tensor:
        relative = pos.index_select(0, dst) - pos.index_select(0, src)
        return self.rel_pos_embed(torch.cat((relative, relative.norm(dim=-1, keepdim=True)), dim=-1))

    def _aggregate(self, messages: Tensor, local_dst: Tensor, size: int) -> Tensor:
        total = messages.new_zeros(size, messages.shape[-1]).index_add_(0, local_dst, messages)
        if self.aggregation == "sum":
            return total
        counts = torch.bincount(local_dst, minlength=size).clamp_(min=1)
        return total / counts.unsqueeze(-1).to(total.dtype)


# ----------------------------------------------------------------------------------------------------------------
# Models
# ----------------------------------------------------------------------------------------------------------------


def _total(dims: Mapping[str, int] | None) -> int:
    return sum((dims or {}).values())


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


class Transformer(nn.Module):
    """A trunk of blocks: no embedding, no output layer."""

    def __init__(self, hidden_dim: int, depth: int, transformer_block_config: Mapping[str, Any]) -> None:
        super().__init__()
        config = {"hidden_dim": hidden_dim, **transformer_block_config}
        self.blocks = nn.ModuleList(TransformerBlock(**config) for _ in range(depth))

    def forward(self, x: Tensor, attn_kwargs: Mapping[str, Any]) -> Tensor:
        if "freqs" in attn_kwargs:
            attn_kwargs = {**attn_kwargs, "freqs": prepare_rope(attn_kwargs["freqs"])}
        for block in self.blocks:
            x = block(x, attn_kwargs=attn_kwargs)
        return x


class Transolver(Transformer):
    """The same trunk with physics attention (an explicit choice inside the block config wins)."""

    def __init__(
        self,
        hidden_dim: int,
        depth: int,
        transformer_block_config: Mapping[str, Any],
        attention_constructor: str = "transolver",
        attention_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        attention = {
            "attention_constructor": attention_constructor,
            "attention_arguments": {"num_slices": 512} if attention_arguments is None else attention_arguments,
        }
        super().__init__(hidden_dim, depth, {**attention, **transformer_block_config})


class UPT(nn.Module):
    def __init__(
        self,
        hidden_dim: int,
        num_heads: int,
        mlp_expansion_factor: int,
        approximator_depth: int,
        supernode_pooling_config: Mapping[str, Any],
        approximator_config: Mapping[str, Any],
        decoder_config: Mapping[str, Any],
        data_specs: Mapping[str, Any],
        use_rope: bool | None = None,
        bias_layers: bool = False,  # without effect
    ) -> None:
        super().__init__()
        shared = {"hidden_dim": hidden_dim, "num_heads": num_heads, "mlp_expansion_factor": mlp_expansion_factor}
        shared |= _given(use_rope=use_rope)
        block = {**shared, **approximator_config}
        decoder = {**decoder_config, "perceiver_block_config": {**shared, **decoder_config["perceiver_block_config"]}}
        perceiver = decoder["perceiver_block_config"]
        position_dim = data_specs["position_dim"]
        output_dim = _total(data_specs["surface_output_dims"]) + _total(data_specs.get("volume_output_dims"))
        if use_rope and not (block.get("use_rope") and perceiver.get("use_rope")):
            raise ValueError("use_rope must also be on in the approximator and the decoder")

        self.encoder = SupernodePooling(**{"hidden_dim": hidden_dim, **supernode_pooling_config})
        self.pos_embed = ContinuousSincosEmbed(hidden_dim, position_dim)
        self.rope = RopeFrequency(hidden_dim // num_heads, position_dim, implementation="complex") if use_rope else None
        self.approximator_blocks = nn.ModuleList(TransformerBlock(**block) for _ in range(approximator_depth))
        self.decoder = DeepPerceiverDecoder(**decoder)
        self.norm = nn.LayerNorm(hidden_dim, perceiver.get("eps", 1e-6))
        self.prediction_layer = LinearProjection(
            hidden_dim, output_dim, init_weights=perceiver.get("init_weights", "truncnormal002")
        )

    def compute_rope_args(
        self, batch_size: int, position: Tensor, supernode_idx: Tensor, query_position: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Attention arguments of the approximator and of the decoder."""
        if self.rope is None:
            return {}, {}
        keys = self.rope(position[supernode_idx].unflatten(0, (batch_size, -1)))
        return {"freqs": keys}, {"q_freqs": self.rope(query_position), "k_freqs": keys}

    def forward(
        self,
        surface_position_batch_idx: Tensor,
        surface_position_supernode_idx: Tensor,
        surface_position: Tensor,
        query_position: Tensor,
    ) -> Tensor:
        queries = self.pos_embed(query_position)
        return self.predict(
            surface_position_batch_idx, surface_position_supernode_idx, surface_position, query_position, queries
        )

    def predict(
        self, batch_idx: Tensor, supernode_idx: Tensor, position: Tensor, query_position: Tensor, queries: Tensor
    ) -> Tensor:
        """Forward with embedded queries (B, Q, D)."""
        approximator_args, decoder_args = self.compute_rope_args(
            query_position.shape[0], position, supernode_idx, query_position
        )
        x = self.encoder(position, supernode_idx, batch_idx)
        for block in self.approximator_blocks:
            x = block(x, attn_kwargs=approximator_args)
        return self.prediction_layer(self.norm(self.decoder(x, queries, attn_kwargs=decoder_args)))


class AnchoredBranchedUPT(nn.Module):
    def __init__(
        self,
        hidden_dim: int,
        geometry_depth: int,
        physics_blocks: Sequence[str],
        num_surface_blocks: int,
        num_volume_blocks: int,
        supernode_pooling_config: Mapping[str, Any],
        transformer_block_config: Mapping[str, Any],
        data_specs: Mapping[str, Any],
        init_weights: str | None = None,
        drop_path_rate: float = 0.0,  # without effect
    ) -> None:
        super().__init__()
        shared = _given(hidden_dim=hidden_dim, init_weights=init_weights)
        block = {**shared, **transformer_block_config}
        block["condition_dim"] = _total(data_specs.get("conditioning_dims")) or None
        if not block.get("use_rope"):
            raise ValueError("AB-UPT needs use_rope in transformer_block_config")
        perceiver = {
            key: block[key]
            for key in ("hidden_dim", "num_heads", "mlp_expansion_factor", "use_rope", "condition_dim")
            if key in block
        }
        position_dim = data_specs["position_dim"]
        self.output_dims = {
            "surface": dict(data_specs["surface_output_dims"]),
            "volume": {name: dim for name, dim in data_specs["volume_output_dims"].items() if dim > 0},
        }

        def anchor_block(attention: type[MultiBranchAnchorAttention], *branches: str) -> TransformerBlock:
            arguments = {"attention_constructor": attention, "attention_arguments": {"branches": branches}}
            return TransformerBlock(**{**block, **arguments})

        def physics_block(kind: str) -> nn.Module:
            if kind == "perceiver":
                return PerceiverBlock(**perceiver)
            attention = {"shared": SelfAnchorAttention, "cross": CrossAnchorAttention, "joint": JointAnchorAttention}[kind]
            return anchor_block(attention, "surface", "volume")

        def output_layer(branch: str) -> LinearProjection:
            return LinearProjection(hidden_dim, _total(self.output_dims[branch]), init_weights="truncnormal002")

        self.rope = RopeFrequency(hidden_dim // block["num_heads"], position_dim, implementation="complex")
        self.pos_embed = ContinuousSincosEmbed(hidden_dim, position_dim)
        self.encoder = SupernodePooling(**{**shared, **supernode_pooling_config})
        self.geometry_blocks = nn.ModuleList(TransformerBlock(**block) for _ in range(geometry_depth))
        self.surface_bias = MLP(hidden_dim, hidden_dim, hidden_dim)
        self.volume_bias = MLP(hidden_dim, hidden_dim, hidden_dim)
        self.physics_blocks = nn.ModuleList(physics_block(kind) for kind in physics_blocks)
        self.surface_decoder_blocks = nn.ModuleList(
            anchor_block(SelfAnchorAttention, "surface") for _ in range(num_surface_blocks)
        )
        self.volume_decoder_blocks = nn.ModuleList(
            anchor_block(SelfAnchorAttention, "volume") for _ in range(num_volume_blocks)
        )
        self.surface_decoder = output_layer("surface")
        self.volume_decoder = output_layer("volume")

    def forward(
        self,
        geometry_position: Tensor,
        geometry_supernode_idx: Tensor,
        geometry_batch_idx: Tensor | None,
        surface_anchor_position: Tensor,
        volume_anchor_position: Tensor,
        geometry_design_parameters: Tensor | None = None,
        inflow_design_parameters: Tensor | None = None,
        query_surface_position: Tensor | None = None,
        query_volume_position: Tensor | None = None,
    ) -> dict[str, Tensor]:
        condition = _join_conditions(geometry_design_parameters, inflow_design_parameters)
        surface_position, surface_specs = _join_positions("surface", surface_anchor_position, query_surface_position)
        volume_position, volume_specs = _join_positions("volume", volume_anchor_position, query_volume_position)
        surface_freqs, volume_freqs = self.rope(surface_position), self.rope(volume_position)
        all_freqs = torch.cat((surface_freqs, volume_freqs), dim=1)

        geometry, geometry_freqs = None, None
        if any(isinstance(block, PerceiverBlock) for block in self.physics_blocks):
            supernode_position = geometry_position[geometry_supernode_idx]
            geometry_freqs = self.rope(supernode_position.unflatten(0, (surface_position.shape[0], -1)))
            geometry = self.encoder(geometry_position, geometry_supernode_idx, geometry_batch_idx)
            for block in self.geometry_blocks:
                geometry = block(geometry, condition=condition, attn_kwargs={"freqs": geometry_freqs})

        surface = self.surface_bias(self.pos_embed(surface_position))
        volume = self.volume_bias(self.pos_embed(volume_position))
        x = torch.cat((surface, volume), dim=1)
        anchor_args = {"token_specs": surface_specs + volume_specs, "freqs": all_freqs}
        perceiver_args = {"q_freqs": all_freqs, "k_freqs": geometry_freqs}
        for block in self.physics_blocks:
            if isinstance(block, PerceiverBlock):
                x = block(x, geometry, condition=condition, attn_kwargs=perceiver_args)
            else:
                x = block(x, condition=condition, attn_kwargs=anchor_args)

        surface, volume = x.split((surface_position.shape[1], volume_position.shape[1]), dim=1)
        for block in self.surface_decoder_blocks:
            surface = block(surface, condition=condition, attn_kwargs={"token_specs": surface_specs, "freqs": surface_freqs})
        for block in self.volume_decoder_blocks:
            volume = block(volume, condition=condition, attn_kwargs={"token_specs": volume_specs, "freqs": volume_freqs})
        return {
            **self._fields("surface", self.surface_decoder(surface), surface_specs),
            **self._fields("volume", self.volume_decoder(volume), volume_specs),
        }

    def _fields(self, branch: str, y: Tensor, specs: Sequence[TokenSpec]) -> dict[str, Tensor]:
        """Cut channels into fields and tokens into anchors and queries; per field the anchors come first."""
        dims = self.output_dims[branch]
        outputs = {}
        for name, values in zip(dims, y.split(list(dims.values()), dim=-1)):
            for prefix, part in zip(("", "query_"), values.split([spec.size for spec in specs], dim=1)):
                outputs[f"{prefix}{branch}_{name}"] = part
        return outputs


def _join_conditions(*conditions: Tensor | None) -> Tensor | None:
    given = [c.squeeze(1) if c.ndim == 3 else c for c in conditions if c is not None]
    return torch.cat(given, dim=-1) if given else None


def _join_positions(branch: str, anchors: Tensor, queries: Tensor | None) -> tuple[Tensor, list[TokenSpec]]:
    specs = [TokenSpec(f"{branch}_anchors", anchors.shape[1])]
    if queries is None:
        return anchors, specs
    return torch.cat((anchors, queries), dim=1), [*specs, TokenSpec(f"{branch}_queries", queries.shape[1])]


# ----------------------------------------------------------------------------------------------------------------
# Building from configs
# ----------------------------------------------------------------------------------------------------------------

_MODULES = (
    LinearProjection, ContinuousSincosEmbed, RopeFrequency, UnquantizedDropPath, LayerScale, MLP, UpActDownMlp,
    DotProductAttention, PerceiverAttention, TransolverAttention,
    SelfAnchorAttention, CrossAnchorAttention, JointAnchorAttention,
    TransformerBlock, PerceiverBlock, DeepPerceiverDecoder, SupernodePooling,
    Transformer, Transolver, UPT, AnchoredBranchedUPT,
)  # fmt: skip
CLASSES: dict[str, type[nn.Module]] = {cls.__name__: cls for cls in _MODULES}

# Fields of the base model config; they do not concern the network itself.
_BASE_FIELDS = {"kind", "name", "optimizer_config", "initializers", "is_frozen", "forward_properties"}
# Derived sub-configs that stored configs contain besides the real fields.
_COMPUTED_FIELDS = {
    "rope_frequency_config", "pos_embed_config", "bias_mlp_config", "surface_decoder_config", "volume_decoder_config",
    "linear_output_projection_config", "pos_embedding_config", "pos_encoding_config", "linear_projection_config",
    "layerscale_config", "drop_path_config", "modulation_linear_projection_config", "up_act_down_mlp_config",
    "perceiver_attention_config",
}  # fmt: skip


def without_computed_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config with its derived sub-configs removed at every level."""
    computed = set(_COMPUTED_FIELDS)
    if "physics_blocks" in config:  # derived for AB-UPT, but a real field of the perceiver decoder
        computed.add("perceiver_block_config")
    return {
        key: without_computed_fields(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if key not in computed
    }


def build(kind: str, config: Mapping[str, Any]) -> nn.Module:
    """Build the module that the dotted path ``kind`` names; only its last part counts."""
    return CLASSES[kind.rpartition(".")[2]](**{key: value for key, value in config.items() if key not in _BASE_FIELDS})
