/** Milliseconds per named stage, gathered over a reporting period. */
export class StageTimes {
  #samples = new Map<string, number[]>();

  add(stage: string, ms: number): void {
    const list = this.#samples.get(stage);
    if (list) list.push(ms);
    else this.#samples.set(stage, [ms]);
  }

  /** The medians since the last call. */
  take(): Record<string, number> {
    const medians: Record<string, number> = {};
    for (const [stage, list] of this.#samples) {
      list.sort((a, b) => a - b);
      medians[stage] = Math.round((list[list.length >> 1] as number) * 100) / 100;
    }
    this.#samples.clear();
    return medians;
  }
}
