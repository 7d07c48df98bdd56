/** Which colour and stroke stands for what. */
import { markup } from './html.ts';
import type { Html } from './html.ts';

export interface Key {
  colour: string;
  dash?: boolean;
  /** A surface instead of a line. */
  area?: boolean;
  text: string;
}

export const legend = (keys: readonly Key[]): Html =>
  markup`<p class="legend">
    ${keys.map(
      ({ colour, dash, area, text }) =>
        markup`<span class="key"
          ><span class="${area ? 'area' : dash ? 'dashed' : 'line'} ${colour}" aria-hidden="true"></span>${text}</span
        > `,
    )}
  </p>`;
