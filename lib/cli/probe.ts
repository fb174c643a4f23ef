/**
 * Run by `torchwright doctor` in a child process: computes on the device named by its argument and prints what it found. It is
 * a program, not a module: importing it loads the addon.
 */
import { native } from '../native';
import type { ProbeResult } from '../setup/doctor';

const device = process.argv[2] ?? 'cpu';
const one = native.fromBuffer(Float32Array.of(1, 2, 3), [3], 'float32', device);
const add = native.schemas('aten::add').find((schema) => schema.overload === 'Tensor');
if (!add) throw new Error('libtorch has no aten::add.Tensor');
const sum = new Float32Array(native.readSync(native.call(add.id, one, one) as number));
if (sum.join() !== '2,4,6') throw new Error(`[1, 2, 3] + [1, 2, 3] gave [${sum.join()}] on ${device}`);
const { compiled, loaded } = native.versions();
const result: ProbeResult = { compiled, loaded, cudaDevices: native.cudaDeviceCount() };
console.log(JSON.stringify(result));
