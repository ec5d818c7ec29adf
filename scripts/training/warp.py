"""Pictures with each pixel taken from beside it."""

import torch
from torch import nn


def warp(planes, flow):
    """planes: n × k × height × width. flow: n × 2 × height × width, from how many pixels to the right and below each is taken."""
    count, _, height, width = planes.shape
    scale = torch.tensor([2 / width, 2 / height], device=planes.device)
    still = nn.functional.affine_grid(torch.eye(2, 3, device=planes.device).expand(count, 2, 3), planes.shape, align_corners=False)
    grid = still + flow.permute(0, 2, 3, 1) * scale
    return nn.functional.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)
