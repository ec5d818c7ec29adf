"""The network with weights averaged over the last steps: what is kept (Polyak and Juditsky 1992)."""

import copy

import torch


class Averaged:
    def __init__(self, network):
        self.network = copy.deepcopy(network).eval()

    def follow(self, network, steps):
        share = min(0.999, steps / (steps + 20))
        with torch.no_grad():
            theirs = network.state_dict()
            for name, mine in self.network.state_dict().items():
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs[name], 1 - share)
                else:
                    mine.copy_(theirs[name])
