/** PyTorch's half of a benchmark. */
import path from 'node:path';

import { SideProcess } from './side-process.mjs';

export class PyTorchSide extends SideProcess {
  /** @param folder - a benchmark's, with a `side.py` */
  constructor(python, folder, threads) {
    const script = path.join(import.meta.dirname, 'pytorch_side.py');
    const advice = 'Name a Python that has torch, safetensors and transformers by --python or TORCHWRIGHT_PYTHON.';
    super(python, [script, folder, String(threads)], advice);
  }
}
