/** Hugging Face's safetensors files: whole ones, loaded and saved. The header is read and written here, the bytes natively. */
import { CheckpointError } from '../../errors';
import { native } from '../../native';
import type { Device } from '../device';
import { withSignal } from '../job';
import { retryingForMemory } from '../memory';
import { wrap, type Tensor } from '../tensor';
import { encodeHeader, formatOf, inspectSafetensors, metadataKey } from './safetensors-header';
import { writeTensors } from './write-tensors';

export interface LoadSafetensorsOptions {
  /** Only these; default: all. */
  names?: readonly string[];
  /** Default `cpu`. */
  device?: Device;
  signal?: AbortSignal | undefined;
}

/** Loads tensors by name, off the JavaScript thread. @throws CheckpointError when the file is damaged or lacks a name */
export async function loadSafetensors(
  file: string,
  options: LoadSafetensorsOptions = {},
): Promise<Map<string, Tensor>> {
  const { tensors } = inspectSafetensors(file);
  const names = options.names ?? [...tensors.keys()];
  const places = names.map((name) => {
    const entry = tensors.get(name);
    if (entry === undefined) throw new CheckpointError(`${file} holds no tensor ${name}.`);
    return entry;
  });
  const handles = await retryingForMemory(() =>
    withSignal(options.signal, (token) => native.tensorsLoad(token, file, places, options.device ?? 'cpu')),
  );
  return new Map(handles.map((handle, index) => [names[index]!, wrap(handle)]));
}

export interface SaveSafetensorsOptions {
  metadata?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** Writes a file, whole or not at all, off the JavaScript thread. @throws CheckpointError when it cannot be written */
export async function saveSafetensors(
  file: string,
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  { metadata = {}, signal }: SaveSafetensorsOptions = {},
): Promise<void> {
  // Wide elements first, as the format's own writer does it: so every tensor begins at a multiple of its element size.
  const sorted = [...tensors]
    .map(([name, tensor]) => ({ name, tensor, ...formatOf(tensor) }))
    .sort((a, b) => b.bytes - a.bytes);
  // Without a prototype, so that any name is an ordinary key.
  const header = Object.create(null) as Record<string, unknown>;
  header[metadataKey] = metadata;
  let offset = 0;
  for (const { name, tensor, format, bytes } of sorted) {
    if (Object.hasOwn(header, name)) throw new CheckpointError(`Two tensors of ${file} have the name ${name}.`);
    const end = offset + tensor.numel * bytes;
    header[name] = { dtype: format, shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  if (Object.keys(metadata).length === 0) delete header[metadataKey];
  await writeTensors(
    file,
    encodeHeader(header),
    sorted.map(({ tensor }) => tensor),
    signal,
  );
}
