/** A peer's part in going through the relay: it asks for a port and puts it in place of the server's in an answer. */
export class ThroughRelay {
  readonly #ask: (host: string, port: number) => void;
  #answer: (port: number) => void = () => undefined;

  /** @param ask is told the server's address; `answered` brings the relay's port for it. */
  constructor(ask: (host: string, port: number) => void) {
    this.#ask = ask;
  }

  answered(port: number): void {
    this.#answer(port);
  }

  /** For a peer's `rewriteAnswer`. */
  readonly rewrite = async (answer: string): Promise<string> => {
    const candidate = /^a=candidate:\S+ 1 udp \d+ (127\.0\.0\.1) (\d+) typ host.*$/im.exec(answer);
    if (!candidate) throw new Error('The server offered no IPv4 loopback candidate for the relay.');
    const port = await new Promise<number>((resolve) => {
      this.#answer = resolve;
      this.#ask(candidate[1] as string, Number(candidate[2]));
    });
    const lines = answer.split('\r\n').filter((line) => !line.startsWith('a=candidate:') || line === candidate[0]);
    return lines
      .map((line) => (line === candidate[0] ? line.replace(` ${candidate[2]} typ`, ` ${port} typ`) : line))
      .join('\r\n');
  };
}
