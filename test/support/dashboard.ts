/** The Grafana dashboard that this project ships, and what it asks Prometheus. */
import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';

interface DashboardFile {
  panels: {
    id: number;
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    targets?: { expr: string }[];
  }[];
}

const file = new URL('../../infra/telemetry/grafana-dashboard.json', import.meta.url);
export const dashboard = JSON.parse(readFileSync(file, 'utf8')) as DashboardFile;

/** Of all panels, Grafana's own variables filled in. */
export const queries: readonly string[] = dashboard.panels
  .flatMap(({ targets = [] }) => targets)
  .map(({ expr }) => expr.replaceAll(/\$__(rate_interval|range)/g, '5m').replaceAll('$run', '.*'));

/** @returns the metrics that are selected, each once */
export function metricsIn(expressions: readonly string[]): string[] {
  const names = new Set<string>();
  for (const expression of expressions) {
    parser.parse(expression).iterate({
      enter: ({ name, from, to }) => {
        // Of a selector, not of a label.
        if (name === 'VectorSelector') names.add(/^[\w:]+/.exec(expression.slice(from, to))?.[0] ?? '');
      },
    });
  }
  return [...names];
}

/** @returns each selected metric with the labels by which it is grouped, and those that it is selected by */
export function groupingsIn(expressions: readonly string[]): [name: string, labels: string[]][] {
  const found: [string, string[]][] = [];
  for (const expression of expressions) {
    parser.parse(expression).iterate({
      enter: ({ name, node }) => {
        if (name !== 'VectorSelector') return;
        const labels: string[] = [];
        for (let above = node.parent; above !== null; above = above.parent) {
          const modifier = above.name === 'AggregateExpr' ? above.getChild('AggregateModifier') : null;
          for (const label of modifier?.getChild('GroupingLabels')?.getChildren('LabelName') ?? [])
            labels.push(expression.slice(label.from, label.to));
        }
        const text = expression.slice(node.from, node.to);
        for (const [, label = ''] of text.matchAll(/(\w+)=~?"/g)) labels.push(label);
        found.push([/^[\w:]+/.exec(text)?.[0] ?? '', labels]);
      },
    });
  }
  return found;
}
