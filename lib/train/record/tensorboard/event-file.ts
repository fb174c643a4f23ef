/** TensorBoard's event files: `tensorboard --logdir runs` shows every run there. */
import os from 'node:os';
import path from 'node:path';

import type { StorageError } from '../../../errors';
import type { Sample, TrainEvent } from '../../events';
import { AppendedFile } from '../appended-file';
import { restartEvent, scalarsEvent, textsEvent, versionEvent } from './events';
import { evaluationScalars, stepScalars } from './scalars';

/** Files that this process has begun, so that no two have the same name. */
let begun = 0;

/** Writes an event file into a run's folder; a training that is resumed begins another, and voids what the former tell beyond its checkpoint. */
export class TensorBoardFile {
  readonly #folder: string;
  readonly #onFailure: (error: StorageError) => void;
  #file: AppendedFile | undefined;

  constructor(folder: string, onFailure: (error: StorageError) => void) {
    this.#folder = folder;
    this.#onFailure = onFailure;
  }

  async onEvent(event: TrainEvent): Promise<void> {
    const moment = { time: Date.now() / 1000, step: 'step' in event ? event.step : 0 };
    switch (event.type) {
      case 'start':
        this.#file = await this.#begin(moment.time);
        if (event.step > 0) this.#file.add(restartEvent({ ...moment, step: event.step + 1 }));
        this.#file.add(textsEvent(moment, [['config', codeBlock(JSON.stringify(event.config, null, 2))]]));
        return;
      case 'step':
        return this.#file?.add(scalarsEvent(moment, stepScalars(event)));
      case 'evaluation':
        return this.#file?.add(scalarsEvent(moment, evaluationScalars(event)));
      case 'sample':
        return this.#file?.add(textsEvent(moment, event.samples.map(sampleText)));
      case 'warning':
        return this.#file?.add(textsEvent(moment, [['warnings', event.message]]));
      default:
    }
  }

  async flush(): Promise<void> {
    await this.#file?.flush();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #begin(time: number): Promise<AppendedFile> {
    const name = `events.out.tfevents.${Math.floor(time)}.${os.hostname()}.${process.pid}.${begun++}`;
    const file = await AppendedFile.open(path.join(this.#folder, name), this.#onFailure);
    file.add(versionEvent(time));
    return file;
  }
}

function sampleText({ source, reference, text }: Sample, index: number): [tag: string, markdown: string] {
  const parts = [
    ['Given', source],
    ...(reference === null ? [] : [['Reference', reference]]),
    ['Model', text],
  ] as const;
  return [`samples/${index + 1}`, parts.map(([name, part]) => `**${name}**\n\n${codeBlock(part)}`).join('\n\n')];
}

/** As it is: indented, so that nothing in it is taken for Markdown. */
const codeBlock = (text: string) => text.replace(/^/gm, '    ');
