"""Clients of `websockets` that echo each message, as text or bytes."""
import asyncio
import sys

import websockets

url, count = sys.argv[1:]


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    sockets = []
    for index in range(int(count)):
        socket = await websockets.connect(f"{url}?n={index}", max_size=2**24)
        extensions = [extension.name for extension in socket.extensions]
        print("opened", ", ".join(extensions), flush=True)
        sockets.append(socket)
    print("ready", flush=True)
    await asyncio.gather(*map(echo, sockets))


asyncio.run(main())
