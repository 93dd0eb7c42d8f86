// The seed: empty for a new one each time, or one that is kept, typed or rolled.

export const SEED_LIMIT = 2 ** 31;

export function randomSeed(random = Math.random) {
  return Math.floor(random() * SEED_LIMIT);
}

export class Seed {
  constructor(input, { forget, roll, random = Math.random }) {
    Object.assign(this, { input, forget, random });
    roll.addEventListener("click", () => this.keep(randomSeed(this.random)));
    forget.addEventListener("click", () => {
      this.keep("");
      input.focus();
    });
    input.addEventListener("input", () => this.show());
    this.show();
  }

  get isKept() {
    return this.input.value !== "";
  }

  keep(seed) {
    this.input.value = seed;
    this.show();
  }

  // A new seed now; where one is kept, it takes its place.
  next() {
    const seed = randomSeed(this.random);
    if (this.isKept) this.keep(seed);
    return seed;
  }

  show() {
    this.forget.hidden = !this.isKept;
  }
}
