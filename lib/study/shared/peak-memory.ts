/** The most memory that this process has held while something ran. */
import fs from 'node:fs';

/**
 * Forgets the peak so far. Linux keeps it for each process and takes a 5 here to begin anew.
 *
 * @returns what tells the peak since, in bytes of resident memory; null where the system does not tell
 */
export function watchPeakMemory(): () => number | null {
  try {
    fs.writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    return () => null;
  }
  return () => {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1];
    return peak === undefined ? null : Number(peak) * 1024;
  };
}
