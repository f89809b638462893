export const slotCount = 16_384;

/**
 * Computes a topic's slot from the CRC-16/XMODEM of its hash tag, or of the whole topic if it has no tag.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export function keySlot(topic: string): number {
  const open = topic.indexOf("{");
  const end = open < 0 ? -1 : topic.indexOf("}", open + 1);
  const hashed = end > open + 1 ? topic.slice(open + 1, end) : topic;
  let crc = 0;
  for (let index = 0; index < hashed.length; index += 1) {
    crc ^= hashed.charCodeAt(index) << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc % slotCount;
}
