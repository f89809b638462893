/** The length of a room's name at the start of a text. */
export const roomLength = 5;

export function nameOfRoom(index: number): string {
  return String(index).padStart(roomLength, "0");
}

/** A text has 5 characters for its room, 3 for its sender, 8 for its number, and padding. */
const [senderAt, numberAt, filledFrom] = [roomLength, 8, 16];

export const leastSize = filledFrom;

export function messageText(room: number, sender: number, number: number, size: number): string {
  const name = `${nameOfRoom(room)}${String(sender).padStart(3, "0")}${String(number).padStart(8, "0")}`;
  return name.padEnd(size, "x");
}

/** @param at the start of the text in `bytes` */
export function senderIn(bytes: Buffer, at: number): number {
  return digits(bytes, at + senderAt, at + numberAt);
}

/** @param at the start of the text in `bytes` */
export function numberIn(bytes: Buffer, at: number): number {
  return digits(bytes, at + numberAt, at + filledFrom);
}

/** Parses decimal digits. @returns NaN if a byte is not a digit */
function digits(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
