import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

import { isBuilt } from './build';
import { locateLibtorch } from './locate';
import { addonFile, readRecord } from './record';
import { run } from './run';

/** One thing looked at. `advice` says what to do unless it is `ok`. */
export interface Check {
  name: string;
  status: 'ok' | 'warning' | 'failed';
  detail: string;
  advice?: string;
}

export interface Diagnosis {
  /** Whether the package can compute on this machine as it is. */
  usable: boolean;
  checks: Check[];
}

/** What the probe prints when it has computed with a tensor on a device. */
export interface ProbeResult {
  compiled: string;
  loaded: string;
  cudaDevices: number;
}

/**
 * Looks at everything that Torchwright stands on. Changes nothing, fetches nothing.
 * @param probe a script that computes on the device named by its argument and prints a ProbeResult; it runs in child processes,
 *   so that a crash in libtorch or a driver is a line of the report.
 */
export async function diagnose(packageRoot: string, probe: string): Promise<Diagnosis> {
  const checks = [checkNode(), checkTool('CMake', 'cmake'), checkCompiler(), await checkLibtorch(packageRoot)];
  const addon = checkAddon(packageRoot);
  checks.push(addon);
  let usable = false;
  if (addon.status !== 'failed') {
    const cpu = await checkDevice('cpu', probe);
    checks.push(cpu.check);
    usable = cpu.check.status === 'ok';
    for (let index = 0; index < (cpu.result?.cudaDevices ?? 0); index++) {
      checks.push((await checkDevice(`cuda:${index}`, probe)).check);
    }
    if (usable && cpu.result?.cudaDevices === 0) checks.push({ name: 'device cuda', status: 'ok', detail: 'none' });
  }
  return { usable, checks };
}

function checkNode(): Check {
  const ok = Number(process.versions.node.split('.')[0]) >= 20;
  const detail = `${process.version}, Node-API ${process.versions.napi}, ${process.platform} ${process.arch}`;
  return ok
    ? { name: 'Node', status: 'ok', detail }
    : { name: 'Node', status: 'failed', detail, advice: 'Install Node 20 or newer.' };
}

/** First line of `tool --version`, or undefined when there is no such tool. */
function versionOf(tool: string): string | undefined {
  const { status, stdout } = spawnSync(tool, ['--version'], { env: process.env, encoding: 'utf8', timeout: 20_000 });
  return status === 0 ? stdout.split('\n')[0]?.trim() : undefined;
}

/** A tool that only building needs: without it an addon that is built still works. */
function checkTool(name: string, ...tools: string[]): Check {
  for (const tool of tools) {
    const version = versionOf(tool);
    if (version !== undefined) return { name, status: 'ok', detail: `${tool}: ${version}` };
  }
  const detail = `none of ${tools.join(', ')} was found; building needs it`;
  return {
    name,
    status: 'warning',
    detail,
    advice: `Install ${name === 'CMake' ? 'CMake 3.18 or newer' : 'g++ 11 or clang 14, or newer'}.`,
  };
}

function checkCompiler(): Check {
  const chosen = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  return checkTool('C++ compiler', ...chosen);
}

async function checkLibtorch(packageRoot: string): Promise<Check> {
  try {
    const silent = { line: () => {}, bar: () => ({ update: () => {}, stop: () => {} }) };
    const found = await locateLibtorch({ packageRoot, fetch: false, progress: silent });
    const kind = found.cuda ? 'CUDA' : 'CPU';
    return { name: 'libtorch', status: 'ok', detail: `${found.version} (${kind}) at ${found.root}, ${found.how}` };
  } catch (error) {
    const [first = '', ...rest] = (error as Error).message.split('\n');
    return { name: 'libtorch', status: 'failed', detail: first, advice: rest.join('\n') };
  }
}

function checkAddon(packageRoot: string): Check {
  const name = 'addon';
  const build = 'Run `npx torchwright build`.';
  const record = readRecord(packageRoot);
  if (!fs.existsSync(addonFile(packageRoot))) {
    return { name, status: 'failed', detail: `not built: there is no ${addonFile(packageRoot)}`, advice: build };
  }
  if (!record)
    return { name, status: 'warning', detail: 'built by other means than `torchwright build`', advice: build };
  const detail = `built for libtorch ${record.version} at ${record.root}`;
  try {
    if (isBuilt(packageRoot)) return { name, status: 'ok', detail };
    return {
      name,
      status: 'warning',
      detail: `${detail}, not up to date with its sources or the libtorch`,
      advice: build,
    };
  } catch (error) {
    return { name, status: 'warning', detail, advice: (error as Error).message };
  }
}

async function checkDevice(device: string, probe: string): Promise<{ check: Check; result?: ProbeResult }> {
  const name = `device ${device}`;
  const { status, signal, output } = await run(process.execPath, [probe, device]);
  const lines = output.trim().split('\n');
  const result = status === 0 ? parseResult(lines.at(-1) ?? '') : undefined;
  if (result) return { check: { name, status: 'ok', detail: `computes (libtorch ${result.loaded})` }, result };
  const how = signal ? `crashed (${signal})` : status === 0 ? 'gave no result' : `failed (exit code ${status})`;
  const advice =
    device === 'cpu'
      ? 'Rebuild with `npx torchwright build`; if that does not help, report this output.'
      : 'Look at the driver with nvidia-smi.';
  return { check: { name, status: 'failed', detail: [how, ...lines.slice(-30)].join('\n'), advice } };
}

function parseResult(line: string): ProbeResult | undefined {
  try {
    return JSON.parse(line) as ProbeResult;
  } catch {
    return undefined; // some other line
  }
}
