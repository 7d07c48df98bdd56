/**
 * Charts are drawn here and not in the page: static SVG by Observable Plot (ISC licence, on D3), in the document of linkedom (ISC), so
 * that the page needs no script to show them, prints, and cannot fail in a browser. Of what was looked at, ECharts and Chart.js bring
 * a megabyte or a canvas into each page, Vega-Lite its own runtime; Plot passes CSS variables through as colours, which is how one
 * SVG is light and dark. Small panels of one width stand beside each other on a desk and below each other on a phone, at the same size of
 * letters.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { Html, markup } from './html.ts';

const { document } = parseHTML('<!doctype html><html></html>');

export const PANEL_WIDTH = 336;
export const PANEL_HEIGHT = 190;

export interface Panel {
  title: string;
  /** One sentence for those who do not see it. */
  says: string;
  plot: Plot.PlotOptions;
}

export function panel({ title, says, plot }: Panel): Html {
  return markup`<div class="panel">
    <p class="title">${title}</p>
    ${draw(plot, `${title}. ${says}`)}
  </div>`;
}

/** Panels with what they mean, and the numbers behind them. */
export function figure(panels: readonly Html[], caption: Html, ...numbers: Html[]): Html {
  return markup`<figure>
    <div class="panels">${panels}</div>
    <figcaption>${caption}</figcaption>
    ${numbers}
  </figure>`;
}

/** What differs from panel to panel is in `options`. */
function draw(options: Plot.PlotOptions, label: string): Html {
  const svg = Plot.plot({
    document,
    width: PANEL_WIDTH,
    height: PANEL_HEIGHT,
    marginTop: 10,
    marginRight: 12,
    marginBottom: 30,
    marginLeft: 40,
    className: 'chart',
    ...options,
  });
  // The page's own style sheet says what is in here, and its policy forbids any other.
  svg.querySelector('style')?.remove();
  for (const part of svg.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  return new Html(roundCoordinates(svg.outerHTML));
}

const COORDINATES = /( (?:d|transform|points|x|y|x1|x2|y1|y2|cx|cy|r|width|height)=")([^"]*)"/g;

/** Sums of floating-point numbers may end differently from plan to plan of the database; a hundredth of a pixel does not. */
function roundCoordinates(svg: string): string {
  return svg.replace(
    COORDINATES,
    (_, name: string, value: string) =>
      `${name}${value.replace(/-?\d+\.\d+/g, (number) => String(Math.round(Number(number) * 100) / 100))}"`,
  );
}

export interface Point {
  x: number;
  value: number;
  low?: number;
  high?: number;
  /** Shown under the pointer. */
  tip: string;
}

export interface Series {
  /** A colour of the style sheet: a, b, muted, ink. */
  colour: string;
  dash?: boolean;
  points: readonly Point[];
}

const colourOf = (name: string): string => `var(--${name})`;
const DASH = '4 3';

/** A line with its points and intervals; series beside each other are set apart, so that no interval hides another. */
export function lines(series: readonly Series[], shift = 0.07): Plot.Markish[] {
  return series.flatMap(({ colour, dash, points }, index) => {
    const stroke = colourOf(colour);
    const by = (index - (series.length - 1) / 2) * shift;
    const placed = points.map((point) => ({ ...point, x: point.x + by }));
    return [
      Plot.ruleX(
        placed.filter(({ low, high }) => low !== undefined && high !== undefined),
        { x: 'x', y1: 'low', y2: 'high', stroke, strokeWidth: 1.25, strokeOpacity: 0.75 },
      ),
      Plot.lineY(placed, { x: 'x', y: 'value', stroke, strokeWidth: 1.5, ...(dash ? { strokeDasharray: DASH } : {}) }),
      Plot.dot(placed, { x: 'x', y: 'value', r: 3, fill: dash ? 'var(--paper)' : stroke, stroke, title: 'tip' }),
    ];
  });
}

/** A thin line for many steps, broken where a value is missing. */
export function stepLine(series: readonly Series[]): Plot.Markish[] {
  return series.flatMap(({ colour, dash, points }) => [
    Plot.lineY(points, {
      x: 'x',
      y: 'value',
      stroke: colourOf(colour),
      strokeWidth: 1.25,
      ...(dash ? { strokeDasharray: DASH } : {}),
    }),
    // One step alone makes no line.
    ...(points.length === 1
      ? [Plot.dot(points, { x: 'x', y: 'value', r: 2.5, fill: colourOf(colour), title: 'tip' })]
      : []),
  ]);
}

export const grid = (ticks = 4): Plot.Markish => Plot.gridY({ ticks, stroke: 'var(--grid)', strokeOpacity: 1 });

export const percentAxis = (): Plot.Markish[] => [
  grid(),
  Plot.axisY({ ticks: 4, tickSize: 0, label: null, tickFormat: (value: number) => `${Math.round(value * 100)} %` }),
];

export const SHARE = { domain: [0, 1] } as const;

/** Whole numbers, at most nine of them; iteration 0 is the base model. */
export function iterationAxis(iterations: readonly number[], base: boolean): Plot.Markish {
  const all = [...new Set(iterations)].sort((a, b) => a - b);
  const every = Math.ceil(all.length / 9);
  const ticks = all.filter((_, index) => (all.length - 1 - index) % every === 0);
  return Plot.axisX(ticks, {
    tickSize: 0,
    label: null,
    tickFormat: (value: number) => (base && value === 0 ? 'base' : String(value)),
  });
}

/** Room on both sides of the first and the last iteration. */
export function iterationDomain(iterations: readonly number[]): { domain: [number, number] } {
  const [first, last] = [Math.min(...iterations), Math.max(...iterations)];
  return { domain: [first - 0.3, last + 0.3] };
}

export { Plot };
