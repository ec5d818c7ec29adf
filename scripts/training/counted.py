"""How much a network costs."""

import torch
from torch import nn


def multiplications(network, *given):
    """Of one run of a network on these tensors, those of its convolutions: what most of its time goes into."""
    total = 0

    def count(layer, _, made):
        nonlocal total
        total += made.shape[0] * made.shape[2] * made.shape[3] * layer.weight.numel()

    hooks = [layer.register_forward_hook(count) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        network(*given)
    for hook in hooks:
        hook.remove()
    return total
