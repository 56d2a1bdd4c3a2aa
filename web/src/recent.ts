/** The median of the last few numbers. */
export class Recent {
  private readonly kept: number[] = [];

  constructor(
    private readonly size: number,
    private readonly first: number,
  ) {}

  add(value: number): void {
    this.kept.push(value);
    if (this.kept.length > this.size) this.kept.shift();
  }

  get median(): number {
    const sorted = [...this.kept].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? this.first;
  }
}
