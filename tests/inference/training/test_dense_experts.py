"""The dense form of the experts is the same function as the one that transformers serves."""

from __future__ import annotations

import copy

import torch

from inference.engines.diffusion import Checkpoint
from inference.training import dense_experts


def test_dense_experts_compute_what_sorted_ones_do(loaded: Checkpoint) -> None:
    dense_experts.register()
    torch.manual_seed(0)
    layer = copy.deepcopy(loaded.model.model.decoder.layers[0])
    experts, router = layer.experts.float(), layer.router.float()
    hidden = torch.randn(40, experts.hidden_dim)
    _, weights, chosen = router(hidden)

    def outcome() -> tuple[torch.Tensor, torch.Tensor]:
        experts.zero_grad()
        result = experts(hidden, chosen, weights)
        result.square().sum().backward(retain_graph=True)
        assert experts.down_proj.grad is not None
        return result.detach(), experts.down_proj.grad.clone()

    experts.config._experts_implementation = "eager"
    expected, gradient = outcome()
    experts.config._experts_implementation = dense_experts.NAME
    result, same_gradient = outcome()
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(same_gradient, gradient, rtol=1e-4, atol=1e-4)
    assert expected.abs().max() > 1e-3
