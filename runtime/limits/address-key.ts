/**
 * The key under which the connections of an address are counted: an IPv4 address, also if it is mapped into IPv6; or
 * the first 64 bits of an IPv6 address, because a single customer has as many addresses as the other 64 bits allow.
 *
 * @param address a valid address.
 */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address;
  const plain = withoutMapping(address);
  if (plain !== address) return plain;
  const [head = "", tail] = address.split("::");
  const groups = groupsOf(head);
  if (tail !== undefined) {
    const after = groupsOf(tail);
    // An IPv4 address at the end stands for two groups.
    const missing = 8 - groups.length - after.length - Number(tail.includes("."));
    groups.push(...Array.from({ length: missing }, () => "0"), ...after);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

const groupsOf = (part: string): string[] => (part === "" ? [] : part.split(":"));

/** An IPv4 address that is mapped into IPv6, as for the clients of a server that listens on both, as plain IPv4. */
export const withoutMapping = (address: string): string => address.replace(/^::ffff:(?=[\d.]+$)/i, "");
