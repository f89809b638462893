"""A process of Django Channels: prints "ready", then answers each question to a group with the received message."""
import asyncio
import sys

from channels_redis.pubsub import RedisPubSubChannelLayer

url, prefix = sys.argv[1:]


async def main():
    layer = RedisPubSubChannelLayer(hosts=[url], prefix=prefix)
    channel = await layer.new_channel()
    await layer.group_add("room_general", channel)
    print("ready", flush=True)
    while True:
        message = await layer.receive(channel)
        if message["type"] == "chat.question":
            answer = {"type": "chat.answer", "got": message, "keys": sorted(message)}
            await layer.group_send("room_general", answer)


asyncio.run(main())
