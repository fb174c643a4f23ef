/** The few forms of Protocol Buffers' wire format that TensorBoard's events need: each function gives the bytes of one field. */

const varintType = 0;
const doubleType = 1;
const bytesType = 2;
const floatType = 5;

/** A whole number from 0 on, seven bits a byte. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
}

const tag = (field: number, type: number) => varint(field * 8 + type);

/** A whole number from 0 to 2^53. */
export const integer = (field: number, value: number) => Buffer.from([...tag(field, varintType), ...varint(value)]);

export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(tag(field, doubleType)), bytes]);
}

export function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([Buffer.from(tag(field, floatType)), bytes]);
}

export function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value));
}

/** A message, of its fields in turn. */
export function message(field: number, ...fields: Uint8Array[]): Buffer {
  const length = fields.reduce((sum, bytes) => sum + bytes.length, 0);
  return Buffer.concat([Buffer.from([...tag(field, bytesType), ...varint(length)]), ...fields]);
}
