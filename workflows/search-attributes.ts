/**
 * Typed search attributes of runs and iterations, so that the Temporal UI can list `RZeroStatus = "parked"`. Never
 * encrypted by Temporal: ids and states only, no text of questions or answers.
 */
import { defineSearchAttributeKey } from '@temporalio/common';

export const RUN_ID_ATTRIBUTE = defineSearchAttributeKey('RZeroRunId', 'KEYWORD');
export const ITERATION_ATTRIBUTE = defineSearchAttributeKey('RZeroIteration', 'INT');
export const PHASE_ATTRIBUTE = defineSearchAttributeKey('RZeroPhase', 'KEYWORD');
/** On runs only, so that `RZeroStatus = "parked"` lists each parked run once, without its iteration. */
export const STATUS_ATTRIBUTE = defineSearchAttributeKey('RZeroStatus', 'KEYWORD');

/** All keys, for registration in a namespace and for test servers. */
export const SEARCH_ATTRIBUTES = [RUN_ID_ATTRIBUTE, ITERATION_ATTRIBUTE, PHASE_ATTRIBUTE, STATUS_ATTRIBUTE] as const;
