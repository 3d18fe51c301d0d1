// A small plot of the last while.

/** One line of a plot. */
export interface Line {
  name: string;
  color: string;
  /** How it goes on from point to point: in steps where a value holds until the next. */
  steps?: boolean;
}

/** Seconds that are shown. */
const SPAN = 60;

/** Values over time, each with its line. */
export class Plot {
  readonly element = document.createElement("figure");
  #canvas = document.createElement("canvas");
  #caption = document.createElement("figcaption");
  #points: { at: number; values: (number | undefined)[] }[] = [];

  constructor(
    readonly title: string,
    readonly lines: Line[],
    readonly show: (value: number) => string,
  ) {
    this.#canvas.setAttribute("role", "img");
    this.element.append(this.#caption, this.#canvas);
  }

  /** Adds a value for each line, at a time in seconds, and draws. */
  add(at: number, ...values: (number | undefined)[]): void {
    this.#points.push({ at, values });
    while (this.#points[0] && this.#points[0].at < at - SPAN) this.#points.shift();
    this.#draw(at);
  }

  #draw(now: number): void {
    const last = this.#points.at(-1)?.values ?? [];
    const said = this.lines.map(({ name }, index) => `${name} ${last[index] === undefined ? "–" : this.show(last[index] as number)}`);
    const text = `${this.title}: ${said.join(", ")}`;
    this.#canvas.setAttribute("aria-label", text);
    this.#caption.replaceChildren(
      `${this.title} `,
      ...this.lines.map(({ color }, index) => {
        const span = document.createElement("span");
        span.style.color = color;
        span.textContent = `${said[index]} `;
        return span;
      }),
    );
    const canvas = this.#canvas;
    const scale = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    [canvas.width, canvas.height] = [width * scale, height * scale];
    const drawing = canvas.getContext("2d");
    if (!drawing) return;
    drawing.scale(scale, scale);
    const most = Math.max(1e-9, ...this.#points.flatMap(({ values }) => values.map((value) => value ?? 0)));
    const x = (at: number) => width - ((now - at) / SPAN) * width;
    const y = (value: number) => height - 1 - (value / (most * 1.1)) * (height - 2);
    this.lines.forEach(({ color, steps }, index) => {
      drawing.strokeStyle = color;
      drawing.lineWidth = 1.5;
      drawing.beginPath();
      let before: number | undefined;
      for (const { at, values } of this.#points) {
        const value = values[index];
        if (value === undefined) {
          before = undefined;
          continue;
        }
        if (before === undefined) drawing.moveTo(x(at), y(value));
        else {
          if (steps) drawing.lineTo(x(at), y(before));
          drawing.lineTo(x(at), y(value));
        }
        before = value;
      }
      drawing.stroke();
    });
  }
}
