/** Ticks at a given rate without drift: a page in the background has its own timers slowed down, a worker has not. */
let timer: ReturnType<typeof setTimeout> | undefined;

self.addEventListener('message', ({ data }: MessageEvent<number>) => {
  clearTimeout(timer);
  const periodMs = 1000 / data;
  let nextMs = performance.now() + periodMs;
  const tick = () => {
    self.postMessage(0);
    // After a long pause start anew instead of catching up in a burst.
    nextMs = Math.max(nextMs + periodMs, performance.now());
    timer = setTimeout(tick, nextMs - performance.now());
  };
  timer = setTimeout(tick, periodMs);
});
