import { grade, readingOf } from '../method/answers/answer-equivalence.ts';
import { evaluateClosedForm } from '../method/closed-form.ts';
import { computeTruth } from '../method/oracle.ts';
import type { Oracle } from './oracle.ts';

/** Version of the rules: plain arithmetic is decided by the first, closed forms in TeX by the second. */
const ARITHMETIC = 1;
export const CLOSED_FORMS = 2;

/** Evaluates what is one arithmetic expression or closed form, exactly; word problems and the like are not covered. */
export const computed: Oracle = {
  name: 'computed',
  ask: ({ question, label }) => {
    const arithmetic = computeTruth(question);
    const truth = (arithmetic ?? evaluateClosedForm(question))?.value;
    if (truth === undefined) return undefined;
    return {
      version: arithmetic ? ARITHMETIC : CLOSED_FORMS,
      truth,
      agrees: grade(label, truth, 'default', readingOf(question)),
    };
  },
};
