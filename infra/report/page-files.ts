/** The script and the style of the page: what is in `page/`, as one text each. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('page/', import.meta.url);

const read = (name: string): string => readFileSync(fileURLToPath(new URL(name, FOLDER)), 'utf8');

export interface PageFiles {
  script: string;
  style: string;
}

export const readPageFiles = (): PageFiles => ({ script: joined('main.js'), style: read('style.css') });

const IMPORT = /^import \{[^}]*\} from '\.\/([a-z-]+\.js)';\n/gm;

/**
 * A module after those that it imports, all in one function: a file on disk may not import another, and no name is used twice. That is
 * all the bundling that these few files need.
 */
function joined(entry: string): string {
  const done = new Set<string>();
  const parts: string[] = [];
  const add = (name: string): void => {
    if (done.has(name)) return;
    done.add(name);
    const text = read(name);
    for (const [, imported] of text.matchAll(IMPORT)) add(imported!);
    parts.push(text.replace(IMPORT, '').replaceAll(/^export /gm, ''));
  };
  add(entry);
  return `(() => {\n'use strict';\n${parts.join('\n')}})();\n`;
}

/** As a content security policy names it. */
export const policyHash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
