"""Mixture-of-experts layers for training small models on a CPU: every expert sees every token.

transformers sorts the tokens by expert and multiplies each group for itself. With few, small
experts most of the time then goes on sorting and copying; two large products, of which the router
weighs what it did not choose by zero, are faster there, and exactly the same function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers.models.diffusion_gemma.modeling_diffusion_gemma import (
        DiffusionGemmaTextExperts,
    )

NAME: Final = "pinfill_dense"


def register() -> None:
    """Make :data:`NAME` known to ``model.set_experts_implementation``."""
    from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

    ALL_EXPERTS_FUNCTIONS.register(NAME, dense_experts)


def dense_experts(
    experts: DiffusionGemmaTextExperts, hidden: Tensor, chosen: Tensor, weights: Tensor
) -> Tensor:
    """Tokens (T, D), chosen experts (T, K) and their weights (T, K) -> (T, D)."""
    tokens, count = len(hidden), experts.num_experts
    shares = weights.new_zeros(tokens, count).scatter(1, chosen, weights)
    inner = nn.functional.linear(hidden, experts.gate_up_proj.flatten(0, 1))
    gate, up = inner.view(tokens, count, 2, experts.intermediate_dim).unbind(2)
    inner = experts.act_fn(gate) * up * shares[:, :, None].to(up.dtype)
    down = experts.down_proj.transpose(0, 1).flatten(1)
    return nn.functional.linear(inner.flatten(1), down).to(hidden.dtype)
