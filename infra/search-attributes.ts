/** Registers our search attributes in a namespace: without them a run could not even start its first iteration. */
import type { ConnectionLike } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { RZeroError } from '../activities/errors.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';

type Operator = Pick<ConnectionLike, 'operatorService' | 'withDeadline'>;

const DEADLINE_MS = 10_000;

/**
 * Adds the missing ones; safe to call from many workers at once.
 *
 * @returns names of the attributes that were added
 * @throws RZeroError `TemporalUnreachable` when the server refuses, with the commands that an operator can run instead;
 *   also when an attribute exists with another type
 */
export async function ensureSearchAttributes(connection: Operator, namespace: string): Promise<string[]> {
  try {
    return await connection.withDeadline(Date.now() + DEADLINE_MS, async () => {
      const known = await connection.operatorService.listSearchAttributes({ namespace });
      const present = { ...known.systemAttributes, ...known.customAttributes };
      refuseOtherTypes(present);
      const missing = SEARCH_ATTRIBUTES.filter(({ name }) => present[name] === undefined);
      if (missing.length === 0) return [];
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, indexedType(type)])),
      });
      return missing.map(({ name }) => name);
    });
  } catch (error) {
    if (error instanceof RZeroError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    // Another worker was quicker.
    if (/already exist/i.test(message)) return [];
    throw new RZeroError(
      'TemporalUnreachable',
      `Namespace "${namespace}" did not take our search attributes: ${message}.`,
      {
        fix: `Let an operator run: ${registrationCommands(namespace).join(' && ')}`,
        cause: error,
      },
    );
  }
}

/** For operators of servers on which a worker may not register attributes itself. */
export function registrationCommands(namespace: string): string[] {
  return SEARCH_ATTRIBUTES.map(
    ({ name, type }) =>
      `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${CLI_TYPES[type]}`,
  );
}

const CLI_TYPES = { KEYWORD: 'Keyword', INT: 'Int' } as const;

function indexedType(type: (typeof SEARCH_ATTRIBUTES)[number]['type']): number {
  const encoded = encodeSearchAttributeIndexedValueType(type);
  if (encoded === undefined) throw new RZeroError('Internal', `Temporal knows no search attribute type ${type}.`);
  return encoded;
}

function refuseOtherTypes(present: Readonly<Record<string, number>>): void {
  const wrong = SEARCH_ATTRIBUTES.find(({ name, type }) => (present[name] ?? indexedType(type)) !== indexedType(type));
  if (wrong === undefined) return;
  throw new RZeroError(
    'TemporalUnreachable',
    `Search attribute ${wrong.name} exists with another type than ${wrong.type}.`,
    { fix: 'Use another namespace, or let an operator remove that attribute.', field: wrong.name },
  );
}
