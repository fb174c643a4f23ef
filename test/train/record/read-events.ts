/**
 * Reads TensorBoard's event files, written from the formats' descriptions and with none of the writer's code: TFRecord frames, CRC-32C bit by
 * bit, and Protocol Buffers' wire format.
 */
import fs from 'node:fs';

export interface ReadEvent {
  time: number;
  step: number;
  version?: string;
  /** SessionLog.START. */
  starts?: boolean;
  scalars: Record<string, number>;
  texts: Record<string, string>;
}

export function readEvents(file: string): ReadEvent[] {
  return framesOf(fs.readFileSync(file)).map(eventOf);
}

function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    if (unmasked(bytes.readUInt32LE(at + 8)) !== crcOf(bytes.subarray(at, at + 8))) throw new Error('a damaged length');
    if (unmasked(bytes.readUInt32LE(at + 12 + length)) !== crcOf(data)) throw new Error('a damaged frame');
    frames.push(data);
    at += 16 + length;
  }
  return frames;
}

function unmasked(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const feedback = ((crc ^ (byte >> bit)) & 1) === 1;
      crc = (crc >>> 1) ^ (feedback ? 0x82f63b78 : 0);
    }
  }
  return ~crc >>> 0;
}

/** Fields by their number, each as often as it stands there: numbers, or the bytes of texts and messages. */
function fieldsOf(bytes: Buffer): Map<number, (number | Buffer)[]> {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number) => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const tag = varint();
    const read = [
      varint,
      () => take(8).readDoubleLE(),
      () => take(varint()),
      undefined,
      undefined,
      () => take(4).readFloatLE(),
    ][tag % 8];
    const field = Math.floor(tag / 8);
    fields.set(field, [...(fields.get(field) ?? []), read!()]);
  }
  if (at !== bytes.length) throw new Error('a message that is cut off');
  return fields;
}

const messages = (fields: Map<number, (number | Buffer)[]>, field: number) => (fields.get(field) ?? []) as Buffer[];

function eventOf(bytes: Buffer): ReadEvent {
  const fields = fieldsOf(bytes);
  const event: ReadEvent = {
    time: fields.get(1)![0] as number,
    step: (fields.get(2)?.[0] as number | undefined) ?? 0,
    scalars: {},
    texts: {},
  };
  for (const version of messages(fields, 3)) event.version = String(version);
  for (const log of messages(fields, 7)) event.starts = fieldsOf(log).get(1)![0] === 1;
  for (const summary of messages(fields, 5)) {
    for (const value of messages(fieldsOf(summary), 1).map(fieldsOf)) {
      const tag = String(messages(value, 1)[0]);
      if (value.has(2)) event.scalars[tag] = value.get(2)![0] as number;
      for (const tensor of messages(value, 8).map(fieldsOf)) {
        const plugin = fieldsOf(messages(fieldsOf(messages(value, 9)[0]!), 1)[0]!);
        if (String(messages(plugin, 1)[0]) !== 'text' || tensor.get(1)![0] !== 7) throw new Error('not a text');
        event.texts[tag] = String(messages(tensor, 8)[0]);
      }
    }
  }
  return event;
}
