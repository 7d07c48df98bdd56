/** Tables: numbers to the right, one under the other; wide ones scroll by themselves, so that the page never does. */
import { markup } from './html.ts';
import type { Fragment, Html } from './html.ts';

export interface TableColumn {
  head: Fragment;
  /** Aligned to the left. @default false */
  text?: boolean;
}

export interface TableContent {
  /** Of the page's tables; also what a test finds it by. */
  id: string;
  caption: Fragment;
  columns: readonly TableColumn[];
  /** The first cell names the row. */
  rows: readonly (readonly Fragment[])[];
}

export function table({ id, caption, columns, rows }: TableContent): Html {
  const side = (index: number): Html => markup`${columns[index]?.text ? markup` class="text"` : ''}`;
  return markup`<p class="caption" id="${id}-caption">${caption}</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-caption">
<table id="${id}" aria-labelledby="${id}-caption">
<thead><tr>${columns.map(({ head }, index) => markup`<th scope="col"${side(index)}>${head}</th>`)}</tr></thead>
<tbody>
${rows.map((cells) => [
  markup`<tr>`,
  cells.map((cell, index) =>
    index === 0 ? markup`<th scope="row"${side(index)}>${cell}</th>` : markup`<td${side(index)}>${cell}</td>`,
  ),
  markup`</tr>\n`,
])}</tbody>
</table>
</div>`;
}

/** The numbers behind a figure, folded away. `id` keeps it open when a watched page is refreshed. */
export const behind = (id: string, ...tables: Html[]): Html =>
  markup`<details class="numbers" id="${id}-numbers"><summary>Numbers</summary>${tables}</details>`;
