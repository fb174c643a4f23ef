import { spawnSync } from 'node:child_process';

/** The names under which the active Python goes. */
export const pythonCommands = ['python3', 'python'] as const;

// `find_spec` looks for torch without importing it, which would take seconds. The current folder is no place to find it in.
const question = `
import importlib.util, json, os, platform, sys
sys.path = [entry for entry in sys.path if entry]
spec = importlib.util.find_spec('torch')
places = list(spec.submodule_search_locations or []) if spec else []
answer = {'executable': os.path.realpath(sys.executable), 'version': platform.python_version()}
print(json.dumps({**answer, 'torch': places[0] if places else None}))
`;

/** What a Python says of itself. */
export interface Python {
  command: string;
  /** Its file, links resolved. */
  executable: string;
  version: string;
  /** The folder of its `torch` package. */
  torch: string | null;
}

/** Asks a Python for its `torch`; a string says why there is no answer. */
export function askPython(command: string): Python | string {
  const { error, status, stdout, stderr } = spawnSync(command, ['-c', question], {
    env: process.env,
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (error) return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not found' : error.message;
  if (status !== 0) return `failed: ${stderr.trim().split('\n').at(-1) ?? ''}`;
  try {
    return { command, ...(JSON.parse(stdout) as Omit<Python, 'command'>) };
  } catch {
    return `gave no sensible answer: ${stdout.trim().slice(0, 200)}`;
  }
}
