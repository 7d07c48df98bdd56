/** The Grafana dashboard against Grafana's own published schema and Prometheus' own grammar. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import { ROOT } from '../package/installed-package.ts';
import { dashboard, queries } from '../support/dashboard.ts';

/** Below the checkout, so that the compiler finds the packages. */
const folder = mkdtempSync(join(ROOT, 'test', 'telemetry', 'schema-'));
after(() => rmSync(folder, { recursive: true }));

/**
 * Compiles the dashboard as a value of Grafana's type, which is generated from its schema: a field that does not exist, a missing one
 * or a value that is none of the allowed ones does not compile. Words of an enumeration are written as texts in JSON.
 *
 * @returns what the compiler says; nothing when it fits
 */
function compile(value: object): string {
  writeFileSync(
    join(folder, 'dashboard.ts'),
    `import type { Dashboard, Panel, RowPanel } from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
     import type { Options as TimeSeries } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
     type Written<T> = T extends string ? \`\${T}\` : T extends number ? (\`\${T}\` extends \`\${infer N extends number}\` ? N : T)
       : T extends object ? { [K in keyof T]: Written<T[K]> } : T;
     type Drawn = Written<Omit<Panel, 'options' | 'type'>> & (
       | { type: 'timeseries'; options: Written<TimeSeries> }
       | { type: 'stat' | 'bargauge'; options: Record<string, unknown> });
     type File = Written<Omit<Dashboard, 'panels'>> & { panels: (Drawn | Written<RowPanel>)[] };
     export const dashboard: File = ${JSON.stringify(value)};`,
  );
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const options = '--ignoreConfig --noEmit --strict --skipLibCheck --module nodenext --target es2023'.split(' ');
  const { stdout } = spawnSync(process.execPath, [compiler, ...options, join(folder, 'dashboard.ts')], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return stdout;
}

describe('the Grafana dashboard', () => {
  test('fits the schema of Grafana', () => {
    assert.equal(compile(dashboard), '');
  });

  test('would not with a wrong word, a wrong type or a field too many', () => {
    const text = JSON.stringify(dashboard);
    for (const [right, wrong] of [
      ['"graphTooltip":1', '"graphTooltip":7'],
      ['"uid":"r-zero"', '"uid":"r-zero","colour":"red"'],
      ['"type":"datasource"', '"type":"datasoruce"'],
      ['"displayMode":"list"', '"displayMode":"lists"'],
    ] as const) {
      const broken = text.replace(right, wrong);
      assert.notEqual(broken, text);
      assert.match(compile(JSON.parse(broken) as object), /error TS/, wrong);
    }
  });

  test('asks queries that parse as PromQL', () => {
    assert.ok(queries.length > 20);
    for (const query of [...queries, 'sum by (a) (rate(x[5m]']) {
      const tree = parser.parse(query);
      let broken = false;
      tree.iterate({ enter: (node) => void (broken ||= node.type.isError) });
      assert.equal(broken, query.startsWith('sum by (a)'), query);
    }
  });

  test('lays panels out without overlap', () => {
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(x < 24 && !taken.has(`${x}/${y}`), title);
          taken.add(`${x}/${y}`);
        }
    }
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  });
});
