/** Processor milliseconds that `work` takes in this process: a limit on them holds on a busy machine too. */
export function cpuMilliseconds(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
