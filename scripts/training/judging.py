"""How far a drawing is from the truth."""

import torch
from torch import nn

from slopes import slopes


def losses(truth, wanted, colour, weight):
    """Of the colours, wherever the face is to be seen. Absolute differences: squares blur."""
    area = (wanted * weight).sum().clamp(min=1) * 3
    wrong = (colour - truth) * wanted
    own = (wrong.abs() * weight).sum() / area
    return 2 * own + 0.5 * slopes(wrong, weight) / area + 0.4 * unlike(colour, truth, wanted)


def unlike(colour, truth, wanted):
    """1 − structural similarity (Wang et al. 2004) of luma, over windows of 8×8 pixels that overlap by half; what differences alone leave flat."""
    luma = torch.tensor([0.2126, 0.7152, 0.0722], device=colour.device).view(1, 3, 1, 1)
    x, y = ((part * luma).sum(1, keepdim=True) for part in (colour, truth))
    mean = lambda part: nn.functional.avg_pool2d(part, 8, 4)
    mx, my, inside = mean(x), mean(y), mean(wanted)
    vx, vy, both = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    alike = (2 * mx * my + 0.01**2) * (2 * both + 0.03**2) / ((mx * mx + my * my + 0.01**2) * (vx + vy + 0.03**2))
    return ((1 - alike) * inside).sum() / inside.sum().clamp(min=1)
