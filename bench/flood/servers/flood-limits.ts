/**
 * Lets a client send as fast as it can. With the defaults, a flooder would be closed with 3490 after 20,000 frames, so
 * the bench would measure only the start of a flood.
 */
export const floodLimits = { maxFrameBurst: 2 ** 31 - 1, maxByteBurst: 2 ** 31 - 1 };
