/** What is wrong with footage or with how it was asked for, as a sentence for who shot it: no stack. */
export class FootageError extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'FootageError';
  }
}
