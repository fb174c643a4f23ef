/** TensorBoard's events as its files hold them: `tensorflow.Event` messages in TFRecord frames. */
import { maskedCrc32c } from './crc32c';
import { double, float, integer, message, text } from './protobuf';

/** Numbers of fields in event.proto, summary.proto, tensor.proto. */
const eventField = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 };
const valueField = { tag: 1, simpleValue: 2, tensor: 8, metadata: 9 };
const tensorField = { dtype: 1, shape: 2, stringValue: 8 };
const stringDtype = 7;
const sessionStart = 1;

/** When, and after how many steps. */
interface Moment {
  /** Seconds since 1970. */
  time: number;
  step: number;
}

/** What every file begins with. */
export const versionEvent = (time: number) =>
  frame(double(eventField.wallTime, time), text(eventField.fileVersion, 'brain.Event:2'));

/** Says that what earlier files tell of `step` and after it is void, since training goes on from before it. */
export const restartEvent = ({ time, step }: Moment) =>
  eventOf({ time, step }, message(eventField.sessionLog, integer(1, sessionStart)));

/** Numbers, single precision, by their tags. */
export function scalarsEvent(moment: Moment, scalars: Iterable<readonly [tag: string, value: number]>): Buffer {
  const values = Array.from(scalars, ([tag, value]) => scalarOf(tag, value));
  return eventOf(moment, message(eventField.summary, ...values));
}

/** Scalars of value 0 by their tags: all of a tag are alike up to the last four bytes. */
const zeros = new Map<string, Buffer>();

function scalarOf(tag: string, value: number): Buffer {
  let zero = zeros.get(tag);
  if (zero === undefined) {
    zero = message(1, text(valueField.tag, tag), float(valueField.simpleValue, 0));
    zeros.set(tag, zero);
  }
  const scalar = Buffer.from(zero);
  scalar.writeFloatLE(value, scalar.length - 4);
  return scalar;
}

/** Texts in Markdown, by their tags. */
export function textsEvent(moment: Moment, texts: Iterable<readonly [tag: string, markdown: string]>): Buffer {
  const metadata = message(valueField.metadata, message(1, text(1, 'text')));
  const values = Array.from(texts, ([tag, markdown]) => {
    const shape = message(tensorField.shape, message(2, integer(1, 1)));
    const fields = [integer(tensorField.dtype, stringDtype), shape, text(tensorField.stringValue, markdown)];
    return message(1, text(valueField.tag, tag), metadata, message(valueField.tensor, ...fields));
  });
  return eventOf(moment, message(eventField.summary, ...values));
}

function eventOf({ time, step }: Moment, content: Buffer): Buffer {
  return frame(double(eventField.wallTime, time), integer(eventField.step, step), content);
}

/** A record of a TFRecord file: length, its checksum, the bytes, theirs. */
function frame(...fields: Buffer[]): Buffer {
  const data = Buffer.concat(fields);
  const framed = Buffer.alloc(data.length + 16);
  framed.writeBigUInt64LE(BigInt(data.length), 0);
  framed.writeUInt32LE(maskedCrc32c(framed.subarray(0, 8)), 8);
  data.copy(framed, 12);
  framed.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return framed;
}
