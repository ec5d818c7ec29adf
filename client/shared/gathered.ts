/** Host candidates are there within a few ms; waiting longer only delays the first picture. */
const GATHER_MS = 200;
/** A relay's address takes some round trips to the TURN server; with the first one there, nothing more is waited for. */
const GATHER_RELAY_MS = 1_500;

/** Settles when the local description holds the candidates worth waiting for. */
export function gathered(pc: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    if (pc.iceGatheringState === 'complete') {
      resolve();
      return;
    }
    const relays = pc
      .getConfiguration()
      .iceServers?.some(({ urls }) => [urls].flat().some((url) => /^turns?:/.test(url)));
    const timer = setTimeout(resolve, relays ? GATHER_RELAY_MS : GATHER_MS);
    pc.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate?.type === 'relay') resolve();
    });
    pc.addEventListener('icegatheringstatechange', () => {
      if (pc.iceGatheringState !== 'complete') return;
      clearTimeout(timer);
      resolve();
    });
  });
}
