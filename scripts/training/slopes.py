"""What an absolute difference alone leaves flat."""

from torch import nn

SCALES = (1, 2, 4)


def slopes(wrong, weight=None):
    """
    Sum of the slopes of a difference (n × channels × height × width) at three scales: the first is what an eye calls sharp, the others are
    where features stand. Each scale counts as much, however few its pixels are. weight: n × 1 × height × width.
    """
    total = 0
    for scale in SCALES:
        if scale > 1:
            wrong = nn.functional.avg_pool2d(wrong, 2)
            weight = None if weight is None else nn.functional.avg_pool2d(weight, 2)
        for axis in (2, 3):
            count = wrong.shape[axis] - 1
            slope = (wrong.narrow(axis, 1, count) - wrong.narrow(axis, 0, count)).abs()
            total = total + scale**2 * (slope if weight is None else slope * weight.narrow(axis, 1, count)).sum()
    return total
