"""Batches: in which order samples come, and how they are made while the network learns from the ones before."""

import queue
import threading


class Order:
    """Endless indices; every one once before any comes again."""

    def __init__(self, indices, random):
        self.indices, self.random, self.rest = indices, random, []

    def next(self, count):
        while len(self.rest) < count:
            self.rest += list(self.random.permutation(self.indices))
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken


def ahead(make, device, depth=3):
    """Endless batches on the device. make() answers a list of tensors; it runs in a thread, at most so many batches ahead. What it throws is thrown here."""
    ready = queue.Queue(depth)

    def fill():
        while True:
            try:
                ready.put(make())
            except BaseException as error:
                ready.put(error)
                return

    threading.Thread(target=fill, daemon=True).start()
    while True:
        batch = ready.get()
        if isinstance(batch, BaseException):
            raise batch
        yield [part.to(device) for part in batch]
