/** Copies bytes that have to wait: a small buffer would keep the whole memory that it is a part of. */
export function unpool(bytes: Buffer): Buffer {
  if (bytes.length === bytes.buffer.byteLength) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
