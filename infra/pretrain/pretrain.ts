/** `npm run pretrain`: trains the base model, evaluates it and writes its folder. See `--help`. */
import { RZeroError } from '../../activities/errors.ts';
import { runPretrain } from './run-pretrain.ts';

runPretrain(process.argv.slice(2), (line) => console.log(line)).catch((error: unknown) => {
  if (error instanceof RZeroError) console.error(`${error.code}: ${error.message}`);
  else console.error(error);
  process.exitCode = 1;
});
