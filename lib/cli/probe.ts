/**
 * Run by `torchwright doctor` in a child process: computes on the device named by its argument and prints what it found. It is
 * a program, not a module: importing it loads the addon.
 */
import { native } from '../native';
import type { ProbeResult } from '../setup/doctor';
import { checkDevice, torch } from '../tensor';

const device = process.argv[2] ?? 'cpu';
const one = torch.tensor([1, 2, 3], { device: checkDevice(device) });
const sum = torch.add(one, one).dataSync();
if (sum.join() !== '2,4,6') throw new Error(`[1, 2, 3] + [1, 2, 3] gave [${sum.join()}] on ${device}`);
const { compiled, loaded } = native.versions();
const result: ProbeResult = { compiled, loaded, cudaDevices: native.cudaDeviceCount() };
console.log(JSON.stringify(result));
